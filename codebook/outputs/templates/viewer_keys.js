const turn = () => document.querySelectorAll('.cb-viewer:not([data-cb-keys])').forEach(root => {
  root.setAttribute('data-cb-keys', 'true');
  root.setAttribute('tabindex', '0');
  root.addEventListener('keydown', event => {
    if (event.target.matches('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
    const name = {ArrowLeft: '.cb-back', ArrowRight: '.cb-on', p: '.cb-back', n: '.cb-on'}[event.key];
    const button = name && root.querySelector(name);
    if (button) { event.preventDefault(); button.click(); }
    else if (event.key === '/') { event.preventDefault(); root.querySelector('.cb-words input').focus(); }
  });
});
turn(); setTimeout(turn, 300); setTimeout(turn, 2000);
