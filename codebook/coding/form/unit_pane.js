// The unit: its text, what stands around it, its images and pages, and the texts of a group.

import {make, words} from './elements.js';
import {TextPane} from './text_pane.js';

export function drawUnit(unit, handlers) {  // {node, pane, images}: what is shown, its first text, and what has to load
  const blocks = unit.blocks ?? [], context = unit.context ?? [];
  const members = (unit.members ?? []).map(readMember).filter(member => member.start !== undefined);
  const images = [];
  let pane = null;
  const parts = blocks.map(block => {
    if (block.type !== 'text') return drawPicture(block, images);
    if (pane) return words('div', block.text, 'cf-text');
    pane = new TextPane(block.text, {members, ...handlers});
    return pane.node;
  });
  const before = context.filter(each => each.place !== 'after'), after = context.filter(each => each.place === 'after');
  const node = make('div', {kind: 'cf-sheet'}, drawContext(before), unit.note && words('p', unit.note, 'cf-loss'), parts,
    drawContext(after), !blocks.length && words('p', 'This unit has nothing to show.', 'cf-soft'));
  return {node, pane, images};
}

function readMember(member, n) {
  const [name, start] = Array.isArray(member) ? member : [member.name ?? member.id, member.start ?? member.place];
  return {name: String(name ?? n + 1), start};
}

function drawContext(context) {
  return context.map(({name, text}) => make('aside', {kind: 'cf-context', 'aria-label': String(name)},
    words('h2', name), words('div', text, 'cf-around')));
}

function drawPicture(block, images) {
  const name = block.type === 'page' ? `Page ${block.number ?? ''}`.trim() : block.alt || 'Image of the unit';
  if (!isHere(block.source)) return words('p', `${name}: it stands at an address outside this machine and is not fetched: ${block.source}`, 'cf-loss');
  const image = make('img', {src: block.source, alt: name, draggable: 'false'});
  const figure = make('figure', {kind: 'cf-figure'});
  const zoom = make('button', {type: 'button', kind: 'cf-zoom', 'aria-pressed': 'false', 'aria-label': `${name}: full size`,
    on: {click: () => zoomIn(figure, zoom)}}, image);
  image.addEventListener('error', () => figure.replaceChildren(words('p', `${name} cannot be shown.`, 'cf-loss')));
  images.push(image);
  return make('div', {kind: `cf-frame${block.type === 'page' ? ' cf-aspage' : ''}`}, fillFigure(figure, zoom, block.type === 'page' || /\d/.test(name) ? name : ''));
}

function fillFigure(figure, zoom, caption) {
  figure.append(zoom);
  if (caption) figure.append(words('figcaption', caption));
  return figure;
}

function zoomIn(figure, zoom) {
  const isLarge = figure.classList.toggle('cf-large');
  zoom.setAttribute('aria-pressed', String(isLarge));
}

export function zoomAll(node) {
  node.querySelectorAll('.cf-zoom').forEach(zoom => zoom.click());
}

const isHere = source => typeof source === 'string' && (/^data:image\//.test(source) || /^blob:/.test(source) || !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(source));

export async function waitForImages(images) {  // an image counts as shown when it can be seen
  const late = new Promise(done => setTimeout(done, 5000));
  await Promise.race([late, Promise.all(images.map(image => image.decode().catch(() => null)))]);
}
