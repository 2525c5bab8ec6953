// Places in a text: words, whole signs, and code points, which Python counts, out of UTF-16 units, which browsers count.

export const toPoints = (text, unit) => {  // code points before a UTF-16 unit
  let n = 0;
  for (let at = 0; at < unit; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00 && at + 1 < text.length && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++;
    n++;
  }
  return n;
};

export const toUnits = (text, point) => {  // the UTF-16 unit at which a code point begins
  let at = 0;
  for (let n = 0; n < point && at < text.length; n++) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return at;
};

const segmenter = granularity => globalThis.Intl && Intl.Segmenter ? new Intl.Segmenter(undefined, {granularity}) : null;

export function listWords(text) {  // [[start, end]] of each word, in UTF-16 units
  const tool = segmenter('word');
  const pieces = tool ? [...tool.segment(text)].filter(part => part.isWordLike || /\S/.test(part.segment))
    : [...text.matchAll(/[\p{L}\p{M}\p{N}_'’-]+|[^\s]/gu)].map(hit => ({index: hit.index, segment: hit[0]}));
  return pieces.map(part => [part.index, part.index + part.segment.length]);
}

export function wholeSigns(text, start, end) {  // never half of an emoji, nor a letter without its accent
  const tool = segmenter('grapheme');
  if (!tool) return [start, end];
  const from = Math.max(0, start - 64), before = text.slice(from, Math.min(text.length, end + 64));
  let low = start, high = end;
  for (const part of tool.segment(before)) {
    const left = from + part.index, right = left + part.segment.length;
    if (left < start && start < right) low = left;
    if (left < end && end < right) high = right;
  }
  return [low, high];
}

export function wholeWords(list, start, end) {
  const touched = list.filter(([left, right]) => left < end && right > start);
  return touched.length ? [Math.min(start, touched[0][0]), Math.max(end, touched[touched.length - 1][1])] : [start, end];
}

export function trim(text, start, end) {  // nobody means the blank at the end of what is marked
  while (start < end && /\s/.test(text[start])) start++;
  while (end > start && /\s/.test(text[end - 1])) end--;
  return [start, end];
}

export function wordAt(list, unit) {  // the number of the word at a place, or the next one
  const at = list.findIndex(([, right]) => right > unit);
  return at < 0 ? list.length - 1 : at;
}

export function stepSign(text, unit, step) {  // one whole sign on or back
  const tool = segmenter('grapheme');
  if (!tool) return Math.max(0, Math.min(text.length, unit + step));
  if (step > 0) {
    const first = [...tool.segment(text.slice(unit, unit + 64))][0];
    return first ? unit + first.segment.length : unit;
  }
  const from = Math.max(0, unit - 64), last = [...tool.segment(text.slice(from, unit))].pop();
  return last ? unit - last.segment.length : unit;
}
