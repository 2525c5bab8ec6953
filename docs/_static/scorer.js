// Pages that explain come before pages that list: people search in their own words.
var Scorer = {
  score: ([page, , , , score]) => (/^(howto|explain)|^(tutorial|install|for_whom)$/.test(page) ? 4 * score + 40 : /^made\/(api|room)/.test(page) ? score / 4 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
