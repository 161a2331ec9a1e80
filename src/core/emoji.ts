import { LRUCache } from 'lru-cache';

/** The pattern is slow, and a recorder has few icons: verdicts are kept. */
const VERDICTS_MAX = 1_000;
const verdicts = new LRUCache<string, boolean>({ max: VERDICTS_MAX });

/** Whether a text is exactly one emoji, with all of its variation selectors or without some. */
export function isEmoji(text: string): boolean {
  let verdict = verdicts.get(text);
  if (verdict === undefined) {
    verdict = PICTOGRAPH.test(text) || isSequence(text);
    verdicts.set(text, verdict);
  }
  return verdict;
}

/** Any pictograph, with or without the selector that asks for its colourful form. */
const PICTOGRAPH = /^\p{Extended_Pictographic}\uFE0F?$/u;
const FULLY_QUALIFIED = /^\p{RGI_Emoji}$/v;

/** U+FE0F, variation selector 16, asks for the colourful form. */
const SELECTOR = '\uFE0F';
/** Emoji that are text by themselves, unless a skin tone follows. */
const NEEDS_SELECTOR = /(?:(?!\p{Emoji_Presentation})\p{Emoji})(?!\p{Emoji_Modifier})/gu;

/**
 * Keyboards and programs leave out selectors that the recommended form has, such as the last one of
 * ❤️‍🔥 ("minimally qualified" and "unqualified"). So the recommended form is made of the text, and the
 * text must be that with some selectors left out.
 * @see https://www.unicode.org/reports/tr51/#def_fully_qualified_emoji
 */
function isSequence(text: string): boolean {
  const bare = text.replaceAll(SELECTOR, '');
  const full = bare.replaceAll(NEEDS_SELECTOR, `$&${SELECTOR}`);
  return FULLY_QUALIFIED.test(full) && isWithoutSomeSelectors(text, full);
}

function isWithoutSomeSelectors(text: string, full: string): boolean {
  let at = 0;
  for (const unit of full) {
    if (text.startsWith(unit, at)) at += unit.length;
    else if (unit !== SELECTOR) return false;
  }
  return at === text.length;
}
