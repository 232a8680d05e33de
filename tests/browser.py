"""The web book in a real browser: python tests/browser.py [folder of the built book, _book] [pages, all]

Needs Chromium and Playwright, and for the accessibility rules npm (axe-core is put into build/axe, once). What is missing is said in one line and left out.
Every page is opened once, at three widths; then come the things that a reader does: search, change the theme, copy, follow the roadmap, move the sliders.
"""
import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = (1280, 768, 390)
HEAVIEST = 1_500_000  # bytes that a page may load, pictures aside
AXE = 'axe-core@4.14.1'
AT_ONCE = 3
FIGURE_BYTES = 12_000


def browser_path():
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
    return next((found for found in map(shutil.which, names) if found), None)


def missing():
    "What keeps the browser tests from running, or None."
    try: import playwright  # noqa: F401
    except ImportError: return 'Playwright is not installed'
    return None if browser_path() else 'no Chromium found (Debian: apt-get install chromium)'


def axe_source():
    "(the script axe-core, why there is none)"
    script = ROOT / 'build/axe/node_modules/axe-core/axe.min.js'
    if not script.exists():
        if not shutil.which('npm'): return None, 'npm is not installed'
        script.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', str(ROOT / 'build/axe'), AXE],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode: return None, f'npm could not install {AXE}: {done.stderr.strip().splitlines()[-1:]}'
    return script.read_text(encoding='utf-8'), None


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_): pass


LOOK = '''() => ({
  links: [...document.querySelectorAll('a[href]')].map(a => a.href instanceof SVGAnimatedString ? new URL(a.href.baseVal, location).href : a.href),
  ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  formulas: document.querySelectorAll('.math').length, drawn: document.querySelectorAll('.math mjx-container').length,
  wrong: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.textContent),
  figures: document.querySelectorAll('[data-figure]').length,
  pictures: [...document.images].filter(i => !i.alt).map(i => i.src),
  broken: [...document.images].filter(i => i.complete && !i.naturalWidth && i.loading !== 'lazy').map(i => i.src) })'''
WIDE = '''() => { const d = document.documentElement, over = d.scrollWidth - d.clientWidth; if (over <= 0) return null;
  const scrolls = (e) => { for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX) && p !== document.body && p !== d) return true; return false; };
  const worst = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > d.clientWidth + 1 && !scrolls(e)).map(e => e.tagName + '.' + e.className).slice(0, 3);
  return over + ' px too wide: ' + worst.join(', '); }'''
CUT = '''() => [...document.querySelectorAll('.highlight-python pre, .highlight-py pre, .highlight-sh pre')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim().slice(0, 60))'''
CHECK_AXE = '''async (options) => { const found = await axe.run(document, options), say = (v) => v.id + ': ' + v.nodes.length + ' x, such as ' + v.nodes[0].html.slice(0, 160);
  // text in the colour of its ground is to axe a question, not a fault
  const unseen = found.incomplete.map(v => ({...v, nodes: v.nodes.filter(n => [...n.any, ...n.all].some(c => c.data && c.data.messageKey === 'equalRatio'))})).filter(v => v.nodes.length);
  return [...found.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(say), ...unseen.map(v => 'not to be seen, ' + say(v))]; }'''
ALL_RULES = dict(resultTypes=['violations', 'incomplete'], runOnly=['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'])
CONTRAST = dict(resultTypes=['violations', 'incomplete'], runOnly=dict(type='rule', values=['color-contrast']))
TO_DARK = '''async () => { document.documentElement.dataset.mode = document.documentElement.dataset.theme = 'dark'; await new Promise(r => setTimeout(r, 300)); }'''
STATES = '''(figure) => [JSON.parse(figure.querySelector('script[type="application/json"]').textContent), new TextEncoder().encode(figure.outerHTML).length]'''
SET = '''(figure, [name, value]) => { const all = [...figure.querySelectorAll(`[name="${name}"]`)]; if (!all.length) throw Error('no control ' + name);
  const c = all[0].type === 'radio' ? all.find(x => x.value === String(value)) : all[0];
  if (c.tagName === 'BUTTON') return c.click();
  if (c.type === 'radio' || c.type === 'checkbox') c.checked = c.type === 'radio' || value; else c.value = value;
  c.dispatchEvent(new Event('input', {bubbles: true})); c.dispatchEvent(new Event('change', {bubbles: true})); }'''
SHOWN = '''(figure) => [...figure.querySelectorAll('[data-key]')].map(e => ({
  key: e.dataset.key, number: Number(e.getAttribute('value') ?? e.dataset.number),
  wide: e.dataset.share === undefined ? null : e.getBoundingClientRect().width / e.parentElement.getBoundingClientRect().width, share: Number(e.dataset.share)}))'''


class Tour:
    def __init__(self, folder, context, base, axe):
        self.folder, self.context, self.base, self.axe = folder, context, base, axe
        self.problems, self.seen, self.counts = [], {}, dict(links=0, formulas=0, figures=0, states=0)
        self.heaviest = (0, '')

    def wrong(self, page, text): self.problems.append(f'{page}: {text}')

    async def open(self, name):
        "A page that notes what goes wrong on it."
        page, weight = await self.context.new_page(), {}
        page.on('console', lambda m: self.wrong(name, f'console {m.type}: {m.text}') if m.type == 'error' else None)
        page.on('pageerror', lambda e: self.wrong(name, f'script failed: {e}'))
        page.on('request', lambda r: None if r.url.startswith((self.base, 'data:', 'blob:')) else self.wrong(name, f'asks another host: {r.url}'))
        def answered(response):
            if response.status >= 400: self.wrong(name, f'{response.status} for {response.url}')
            if response.request.resource_type not in ('image', 'media'): weight[response.url] = int(response.headers.get('content-length', 0))
        page.on('response', answered)
        await page.goto(self.base + name, wait_until='load')
        return page, weight

    async def visit(self, name):
        page, weight = await self.open(name)
        try:
            await page.evaluate('() => window.MathJax && MathJax.startup && MathJax.startup.promise')
            found = await page.evaluate(LOOK)
            self.seen[name] = found
            if found['drawn'] < found['formulas']: self.wrong(name, f"{found['formulas'] - found['drawn']} of {found['formulas']} formulas are not drawn")
            for text in found['wrong']: self.wrong(name, f'a formula is wrong: {text}')
            for kind, say in (('pictures', 'a picture without alternative text'), ('broken', 'a picture that does not load')):
                for url in found[kind]: self.wrong(name, f'{say}: {url}')
            self.counts['formulas'] += found['formulas']
            total = sum(weight.values())
            self.heaviest = max(self.heaviest, (total, name))
            if total > HEAVIEST: self.wrong(name, f'loads {total / 1e6:.2f} MB besides pictures, {HEAVIEST / 1e6} MB is the limit')
            if found['figures']: await self.figures(page, name)
            if self.axe:
                # the theme finds out which boxes scroll a moment after the formulas are drawn
                settled = "() => [...document.querySelectorAll('article pre')].every(e => (e.scrollWidth > e.clientWidth) === (e.tabIndex === 0))"
                try: await page.wait_for_function(settled, timeout=5_000)
                except Exception: self.wrong(name, 'a box of code scrolls and cannot be reached by keyboard')
                await page.evaluate(self.axe)
                for text in await page.evaluate(CHECK_AXE, ALL_RULES): self.wrong(name, text)
                await page.evaluate(TO_DARK)
                for text in await page.evaluate(CHECK_AXE, CONTRAST): self.wrong(name, f'in the dark, {text}')
            for width in WIDTHS:
                await page.set_viewport_size(dict(width=width, height=900))
                await page.wait_for_timeout(150)  # the theme moves its sidebars after the change
                wide = await page.evaluate(WIDE)
                if wide: self.wrong(name, f'at {width} pixels {wide}')
                for code in await page.evaluate(CUT): self.wrong(name, f'at {width} pixels a line of code is cut off: {code}')
        finally: await page.close()

    async def figures(self, page, name):
        "Each interactive figure, set as its JSON says, has to show what Python computed for that setting."
        for figure in await page.query_selector_all('[data-figure]'):
            label = await figure.get_attribute('data-figure')
            self.counts['figures'] += 1
            try: states, size = await figure.evaluate(STATES)
            except Exception:
                self.wrong(name, f'figure {label} has no JSON of expected values')
                continue
            if size > FIGURE_BYTES * 1.1: self.wrong(name, f'figure {label} has {size} bytes, {FIGURE_BYTES} is the limit')  # the browser spells it a little longer
            if len(states) < 2: self.wrong(name, f'figure {label} has fewer than two expected states')
            drawn = []
            for state in states:
                for control, value in state['set'].items(): await figure.evaluate(SET, [control, value])
                shown = await figure.evaluate(SHOWN)
                drawn.append(json.dumps(shown))
                self.counts['states'] += 1
                where = f'figure {label} at {state["set"]}'
                for key, expected in state['shows'].items():
                    here = [e for e in shown if e['key'] == key]
                    if not here: self.wrong(name, f'{where} shows no {key}')
                    for e in here:
                        near = e['number'] is not None and abs(e['number'] - expected) <= 2e-3 * max(abs(expected), state.get('scale', 0.05))
                        if not near: self.wrong(name, f'{where} shows {key} = {e["number"]}, Python computes {expected}')
                        if e['wide'] is not None and abs(e['wide'] - e['share']) > 0.01: self.wrong(name, f'{where}: the bar {key} is {e["wide"]:.3f} of its box and not {e["share"]:.3f}')
            if len(set(drawn)) < 2: self.wrong(name, f'figure {label} draws the same whatever its controls say')

    def links(self):
        "Every link inside the book leads to a page, and to a place on it."
        known, broken = {}, set()
        for name, found in self.seen.items(): known[name] = set(found['ids'])
        for name, found in self.seen.items():
            for url in found['links']:
                if not url.startswith(self.base): continue
                self.counts['links'] += 1
                path, fragment = urldefrag(url)
                path = unquote(urlsplit(path).path).lstrip('/') or 'index.html'
                target = self.folder / path
                if target.is_dir(): path, target = f'{path.rstrip("/")}/index.html', target / 'index.html'
                if not target.exists(): broken.add(f'{name}: a link to {path}, which is not there')
                elif fragment and path in known and unquote(fragment) not in known[path]: broken.add(f'{name}: a link to {path}#{fragment}, where nothing has that name')
        self.problems += sorted(broken)

    # -- what a reader does ----------------------------------------------------------------------------------------------------

    async def search(self):
        page, _ = await self.open('index.html')
        await page.fill('.bd-sidebar-primary input[name=q]', 'Kullback')
        await page.press('.bd-sidebar-primary input[name=q]', 'Enter')
        link = page.locator('#search-results a[href*="23_losses"]').first
        try:
            await link.wait_for(timeout=20_000)
            await link.click()
            await page.wait_for_url('**/23_losses.html*', timeout=10_000)
        except Exception as error: self.wrong('search', f'"Kullback" does not lead to chapter 23: {str(error).splitlines()[0]}')
        await page.close()
        page, _ = await self.open('22_temperature.html')
        await page.set_viewport_size(dict(width=390, height=844))
        await page.wait_for_timeout(300)
        await page.click('.search-button__button')
        box = page.locator('#pst-search-dialog input[name=q]')
        try:
            await box.fill('Kullback', timeout=5_000)
            await box.press('Enter')
            await page.locator('#search-results a[href*="23_losses"]').first.wait_for(timeout=20_000)
        except Exception as error: self.wrong('search', f'the button of a narrow screen finds nothing: {str(error).splitlines()[0]}')
        await page.close()

    async def theme(self):
        page, _ = await self.open('23_losses.html')
        look = '() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]'
        looks = []
        for mode in ('dark', 'light'):
            await page.click('.theme-switch-button')
            await page.click(f'.theme-change-button[data-mode={mode}]')
            looks.append(await page.evaluate(look))
        if [l[0] for l in looks] != ['dark', 'light'] or looks[0][1] == looks[1][1]: self.wrong('theme', f'does not change: {looks}')
        await page.click('.theme-switch-button')
        await page.click('.theme-change-button[data-mode=dark]')
        await page.reload()
        if (await page.evaluate(look))[0] != 'dark': self.wrong('theme', 'is forgotten by the next page')
        await page.evaluate('() => localStorage.clear()')
        await page.close()

    async def copy(self):
        page, _ = await self.open('23_losses.html')
        cell = page.locator('.tag_exports').first
        await cell.scroll_into_view_if_needed()
        await cell.hover()
        await cell.locator('button.copybtn').click()
        await page.wait_for_timeout(200)
        copied, code = await page.evaluate('() => navigator.clipboard.readText()'), await cell.locator('pre').first.text_content()
        if copied.strip() != code.strip() or 'def ' not in copied: self.wrong('copy', f'puts {copied[:60]!r} on the clipboard instead of {code[:60]!r}')
        await page.close()

    async def cards(self):
        page, _ = await self.open('23_losses.html')
        term = page.locator('article a.term').first
        await term.focus()
        card = page.locator('#card')
        if not await card.is_visible() or await card.inner_text() != await term.get_attribute('data-card'): self.wrong('glossary', 'no card opens when a term has the focus')
        await page.keyboard.press('Escape')
        if await card.is_visible(): self.wrong('glossary', 'Escape does not close the card')
        await page.close()

    async def answers(self):
        page, _ = await self.open('23_losses.html')
        answer = page.locator('details.answer').first
        body = answer.locator('p').first
        if await body.is_visible(): self.wrong('answers', 'are shown before they are asked for')
        await answer.locator('summary').focus()
        await page.keyboard.press('Enter')
        if not await body.is_visible(): self.wrong('answers', 'do not open by keyboard')
        await page.close()

    async def paper(self):
        page, _ = await self.open('23_losses.html')
        await page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
        look = "() => [document.documentElement.dataset.theme, [...document.querySelectorAll('article details.answer')].every(d => d.open), getComputedStyle(document.querySelector('.bd-sidebar-primary')).display]"
        await page.emulate_media(media='print')
        await page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        printed = await page.evaluate(look)
        await page.evaluate("() => dispatchEvent(new Event('afterprint'))")
        after = await page.evaluate(look)
        if printed != ['light', True, 'none'] or after[:2] != ['dark', False]: self.wrong('paper', f'printed as {printed}, back as {after}')
        await page.close()

    async def roadmap(self):
        for width, kind in ((1280, 'wide'), (390, 'tall')):
            page, _ = await self.open('index.html')
            await page.set_viewport_size(dict(width=width, height=900))
            link = page.locator(f'.roadmap-{kind} a[href="23_losses.html"]')
            await link.focus()
            await page.keyboard.press('Enter')
            try: await page.wait_for_url('**/23_losses.html', timeout=10_000)
            except Exception: self.wrong('roadmap', f'at {width} pixels the box of chapter 23 does not lead there by keyboard')
            await page.close()


async def tour(folder, base, axe, only):
    from playwright.async_api import async_playwright
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=browser_path(), args=['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'])
        context = await browser.new_context(permissions=['clipboard-read', 'clipboard-write'], viewport=dict(width=1280, height=900), color_scheme='light', reduced_motion='reduce')
        context.set_default_timeout(60_000)
        it = Tour(folder, context, base, axe)
        pages = sorted((p.relative_to(folder).as_posix() for p in folder.rglob('*.html') if '_static' not in p.parts), key=lambda n: -(folder / n).stat().st_size)
        gate = asyncio.Semaphore(AT_ONCE)
        async def guarded(name, work):
            async with gate:
                try: await work
                except Exception as error: it.wrong(name, f'{type(error).__name__}: {str(error).splitlines()[0]}')
        if only: pages = [p for p in pages if p in only]
        await asyncio.gather(*(guarded(name, it.visit(name)) for name in pages))
        if not only: it.links()
        for step in () if only else (it.search, it.theme, it.copy, it.cards, it.answers, it.paper, it.roadmap): await guarded(step.__name__, step())
        await browser.close()
        return it, len(pages)


def main(folder, only=()):
    why = missing()
    if why:
        print(f'skipped: {why}')
        return 0
    if not (folder / 'index.html').exists():
        print(f'{folder} holds no book: run make book')
        return 1
    axe, no_axe = axe_source()
    if no_axe: print(f'accessibility rules skipped: {no_axe}')
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    began = time.time()
    it, pages = asyncio.run(tour(folder, f'http://127.0.0.1:{server.server_port}/', axe, only))
    server.shutdown()
    for line in it.problems[:300]: print(line)
    c = it.counts
    print(f"{pages} pages at {len(WIDTHS)} widths, {c['links']} links, {c['formulas']} formulas, {c['figures']} interactive figures in {c['states']} states; "
          f'heaviest {it.heaviest[1]}, {it.heaviest[0] / 1e6:.2f} MB; {time.time() - began:.0f} s; problems: {len(it.problems)}')
    return 1 if it.problems else 0


if __name__ == '__main__': sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / '_book').resolve(), sys.argv[2:]))
