"Makes models small enough for tests, in folders that transformers opens: python tests/tiny_teacher.py FOLDER"
import sys
from pathlib import Path

TEXTS = ['Name three colours.', 'Red, green and blue are three colours.', 'Why does it rain?', 'Warm air carries water; where it cools, drops fall.',
         'Write one sentence about bread.', 'Bread is flour, water, salt and time.', 'Instruction: Input: Response: Below is an instruction']


def records(n=40):
    "Alpaca records with no two prompts alike."
    return [dict(instruction=f'{TEXTS[i % 3 * 2]} ({i})', input='' if i % 2 else f'note {i}', output=f'{TEXTS[i % 3 * 2 + 1]} {i}') for i in range(n)]


def tokenizer():
    "A byte-level BPE of 300-odd tokens, trained on the texts above."
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    end = '<|endoftext|>'
    bpe.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=400, special_tokens=[end], show_progress=False,
                                                       initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=end, bos_token=end, unk_token=end)


def save(folder, kind='gpt2', n_positions=512):
    "A small random model and its tokenizer in `folder`: gpt2 is a teacher; distilbert, bert and t5 are not causal models."
    import torch
    import transformers as tf
    torch.manual_seed(0)
    words = tokenizer()
    n = len(words)
    special = dict(bos_token_id=words.eos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.eos_token_id)
    model = {
        'gpt2': lambda: tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=n, n_positions=n_positions, n_embd=32, n_layer=2, n_head=2, **special)),
        'distilbert': lambda: tf.DistilBertForMaskedLM(tf.DistilBertConfig(vocab_size=n, dim=32, hidden_dim=64, n_layers=1, n_heads=2, pad_token_id=0)),
        'bert': lambda: tf.BertForMaskedLM(tf.BertConfig(vocab_size=n, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)),
        't5': lambda: tf.T5ForConditionalGeneration(tf.T5Config(vocab_size=n, d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2,
                                                                decoder_start_token_id=0)),
    }[kind]()
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return Path(folder)


if __name__ == '__main__':
    if len(sys.argv) != 2: sys.exit(__doc__)
    print(save(sys.argv[1]))
