const dress = root => {
  root.querySelectorAll('.cb-live:not([aria-live])').forEach(node => node.setAttribute('aria-live', 'polite'));
  root.querySelectorAll('.cb-ask:not([role])').forEach(node => {
    node.setAttribute('role', 'alertdialog');
    node.setAttribute('aria-label', 'Question');
    node.setAttribute('tabindex', '-1');
  });
};
const keep = root => {  // keys stay in the board, and the focus goes to a question and back to the button that asked it
  let opener = null, open = false;
  const ask = () => root.querySelector('.cb-ask');
  const isShown = node => node.offsetParent !== null;
  const isLost = () => {
    const at = document.activeElement;
    return at === document.body || at?.disabled || (at === opener && !isShown(at)) || ask()?.contains(at);
  };
  const goBack = () => {  // to the button; of a viewer's that rests to the viewer, of one that is gone to the tables
    const viewer = root.tabIndex >= 0 ? root : null;
    const place = !isShown(opener) ? root.querySelector('.cb-scroll') : opener.disabled ? viewer : opener;
    place?.focus({preventScroll: true});
  };
  root.addEventListener('keydown', event => {
    event.stopPropagation();
    if (open && event.key === 'Escape') ask().querySelector('.cb-no').click();
  });
  root.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button && !ask()?.contains(button)) opener = button;
  });
  root.addEventListener('focusin', event => {
    if (event.target !== opener && !ask()?.contains(event.target)) opener = null;
  });
  new MutationObserver(() => {
    dress(root);
    const before = open;
    open = Boolean(ask()) && ask().style.display !== 'none';
    if (open && !before) ask().focus();
    else if (!open && opener && isLost()) goBack();
  }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['style', 'disabled']});
};
const guard = () => document.querySelectorAll('.cb-root:not([data-lm-suppress-shortcuts])').forEach(root => {
  root.setAttribute('data-lm-suppress-shortcuts', 'true');
  root.setAttribute('role', 'region');
  root.setAttribute('aria-label', root.matches('.cb-viewer') ? 'Units' : 'Jobs');
  dress(root);
  keep(root);
});
guard(); setTimeout(guard, 300); setTimeout(guard, 2000);
