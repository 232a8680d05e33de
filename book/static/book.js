// Cards for words of the glossary, answers that open for printing and for links, boxes that scroll by keyboard.
(() => {
  const card = document.createElement('div');
  card.id = 'card'; card.role = 'tooltip'; card.hidden = true;
  let shown = null;
  const hide = () => { if (shown) shown.removeAttribute('aria-describedby'); shown = null; card.hidden = true; };
  const show = (term) => {
    if (shown === term) return;
    hide();
    card.textContent = term.dataset.card;
    document.body.append(card);
    card.hidden = false;
    const at = term.getClientRects()[0], wide = document.documentElement.clientWidth;
    card.style.left = Math.max(8, Math.min(at.left, wide - card.offsetWidth - 8)) + scrollX + 'px';
    const above = at.bottom + card.offsetHeight + 12 > innerHeight && at.top > card.offsetHeight + 12;
    card.style.top = scrollY + (above ? at.top - card.offsetHeight - 6 : at.bottom + 6) + 'px';
    shown = term;
    term.setAttribute('aria-describedby', 'card');
  };
  const term = (event) => event.target.closest && event.target.closest('a.term');
  document.addEventListener('mouseover', (event) => { const t = term(event); if (t) show(t); else if (shown && document.activeElement !== shown && !card.contains(event.target)) hide(); });
  document.addEventListener('focusin', (event) => { const t = term(event); if (t) show(t); else hide(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
  // on a touch screen the first touch opens the card, the second follows the link
  document.addEventListener('click', (event) => { const t = term(event); if (t && matchMedia('(hover: none)').matches && t.dataset.touched !== 'yes') { event.preventDefault(); t.dataset.touched = 'yes'; show(t); } });

  const open = () => { const to = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1))); if (to) { const d = to.closest('details'); if (d && !d.open) { d.open = true; to.scrollIntoView(); } } };
  addEventListener('hashchange', open);
  // on paper: the light theme, and every answer open
  const root = document.documentElement;
  let before = null;
  const print = (yes) => {
    if (yes && before === null) { before = root.dataset.theme; root.dataset.theme = 'light'; document.querySelectorAll('article details:not([open])').forEach((d) => { d.open = true; d.dataset.printed = 'yes'; }); }
    if (!yes && before !== null) { root.dataset.theme = before; before = null; document.querySelectorAll('details[data-printed]').forEach((d) => { d.open = false; delete d.dataset.printed; }); }
  };
  addEventListener('beforeprint', () => print(true));
  addEventListener('afterprint', () => print(false));

  // a box that scrolls sideways can be reached by keyboard, and is marked as long as there is more to the right
  const mark = (box) => box.classList.toggle('more', box.clientWidth > 64 && box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  const scrolled = (event) => mark(event.target);
  const scrollers = () => document.querySelectorAll('.pst-scrollable-table-container, div.math > mjx-container, span.math, .picture, .cell_output, dt.sig, .text_html, .bd-article pre').forEach((box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else if (box.tabIndex === 0) box.removeAttribute('tabindex');
    mark(box);
    box.addEventListener('scroll', scrolled, {passive: true});
  });
  const here = document.querySelector('.book-nav .current');
  if (here) { const side = here.closest('.bd-sidebar-primary'); side.scrollTop += here.getBoundingClientRect().top - side.getBoundingClientRect().top - side.clientHeight / 3; }
  addEventListener('load', () => { open(); scrollers(); if (window.MathJax && MathJax.startup) MathJax.startup.promise.then(scrollers); });
  document.fonts.addEventListener('loadingdone', scrollers);       // a formula is wider before its letters are there
  addEventListener('resize', scrollers);

  // what the search shows of a page has its formulas as TeX
  const results = document.getElementById('search-results');
  if (results) new MutationObserver(() => results.querySelectorAll('p.context').forEach((p) => p.querySelectorAll('*').length < 99 && [...p.childNodes].forEach((n) => {
    if (n.nodeType === 3 && /\\[()\[\]]/.test(n.data)) n.data = n.data.replace(/\\[()\[\]]/g, '').replace(/\\(mathrm|text|mathcal)\{(\w+)\}/g, '$2');
  }))).observe(results, {childList: true, subtree: true});
})();
