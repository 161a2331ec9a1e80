/**
 * The formats of JSON Schema 2020-12, which are checked, not only noted. Each is the grammar of its
 * RFC as a pattern for the automaton, so that no text can make one slow.
 */
import { isIdnHostname } from 'idn-hostname';
import type { Automaton } from './automaton.ts';
import { compilePattern, isPattern } from './pattern.ts';
import { OutOfWork, WorkBudget } from './work-budget.ts';

/** @throws OutOfWork */
export type Format = (text: string, budget: WorkBudget) => boolean;

/** No host name or address is longer, and a longer text would only cost. */
const NAME_CHARS_MAX = 1_024;

/** Made on first use, and kept. */
function by(grammar: string): Format {
  let automaton: Automaton | undefined;
  return (text, budget) => {
    automaton ??= compilePattern(`^(?:${grammar})$`, new WorkBudget(Infinity, Infinity));
    return automaton.test(text, budget);
  };
}

/** RFC 3339. */
const DATE = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const TIME = `${HOUR_MINUTE}:(?:[0-5]\\d|60)(?:\\.\\d+)?(?:[zZ]|[+-]${HOUR_MINUTE})`;

const isDateLike = by(DATE);
const isTimeLike = by(TIME);
const isDateTimeLike = by(`${DATE}[tT]${TIME}`);

const isDate: Format = (text, budget) => isDateLike(text, budget) && isDay(text);
const isTime: Format = (text, budget) => isTimeLike(text, budget) && isSecond(text);
const isDateTime: Format = (text, budget) =>
  isDateTimeLike(text, budget) && isDay(text) && isSecond(text.slice('yyyy-mm-ddT'.length));

/** Whether the month of a date has this day. */
function isDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  if (day <= 28) return true;
  const year = Number(text.slice(0, 4));
  const month = Number(text.slice(5, 7));
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (month === 2) return isLeap && day === 29;
  return day <= 30 || ![4, 6, 9, 11].includes(month);
}

/** A leap second is the last of a day of UTC. */
function isSecond(text: string): boolean {
  if (!text.startsWith('60', 6)) return true;
  const zone = /[+-]\d\d:\d\d$/.exec(text.slice(-6))?.[0] ?? '+00:00';
  const offset = Number(`${zone.charAt(0)}1`) * minutes(zone.slice(1));
  return (minutes(text) - offset + 2 * DAY_MINUTES) % DAY_MINUTES === DAY_MINUTES - 1;
}

const DAY_MINUTES = 1_440;

function minutes(hourMinute: string): number {
  return Number(hourMinute.slice(0, 2)) * 60 + Number(hourMinute.slice(3, 5));
}

const DURATION_TIME = 'T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)';
const DURATION_DATE = '(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)';
const DURATION = `P(?:${DURATION_DATE}(?:${DURATION_TIME})?|${DURATION_TIME}|\\d+W)`;

/** RFC 2673 and 4291. */
const OCTET = '(?:\\d|[1-9]\\d|1\\d\\d|2[0-4]\\d|25[0-5])';
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const H16 = '[\\da-fA-F]{1,4}';
const LS32 = `(?:${H16}:${H16}|${IPV4})`;
const IPV6 = [
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  `(?:${H16})?::(?:${H16}:){4}${LS32}`,
  ...[3, 2, 1, 0].map((n, i) => `(?:(?:${H16}:){0,${i + 1}}${H16})?::(?:${H16}:){${n}}${LS32}`),
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join('|');

/** RFC 1123, and RFC 5891 for labels of other alphabets, written in ASCII or not. */
const LABEL = '[a-zA-Z\\d](?:[a-zA-Z\\d-]*[a-zA-Z\\d])?';
const HOST = `${LABEL}(?:\\.${LABEL})*`;
const LABEL_CHARS_MAX = 63;
const isHostLike = by(HOST);

function isHostname(text: string, budget: WorkBudget): boolean {
  if (text.length > 253 || !isHostLike(text, budget)) return false;
  const isLong = text.length > LABEL_CHARS_MAX;
  if (isLong && text.split('.').some(label => label.length > LABEL_CHARS_MAX)) return false;
  return !(text.includes('--') && /(?:^|\.)..--/.test(text)) || isIdn(text, budget);
}

function isIdn(text: string, budget: WorkBudget): boolean {
  if (text.length > NAME_CHARS_MAX || /[.\u3002\uff0e\uff61]$/.test(text)) return false;
  budget.charge(text.length * 50);
  try {
    return isIdnHostname(text);
  } catch (error) {
    if (error instanceof OutOfWork) throw error;
    return false;
  }
}

/** RFC 5321, and 6531 for other alphabets. */
const ATOM = "[\\w!#$%&'*+\\-/=?^`{|}~]";
const UTF8 = '\\u{80}-\\u{d7ff}\\u{e000}-\\u{10ffff}';
const ADDRESS_LITERAL = `\\[(?:${IPV4}|[iI][pP][vV]6:(?:${IPV6}))\\]`;
const localPart = (atom: string, quotable: string) =>
  `(?:${atom}+(?:\\.${atom}+)*|"(?:[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e${quotable}]|\\\\[\\x20-\\x7e])*")`;
const LOCAL = localPart(ATOM, '');
const IDN_LOCAL = localPart(`(?:${ATOM}|[${UTF8}])`, UTF8);

const isAddressLiteral = by(ADDRESS_LITERAL);

const email =
  (isLocal: Format, isDomain: Format): Format =>
  (text, budget) => {
    const at = text.lastIndexOf('@');
    if (at < 1 || !isLocal(text.slice(0, at), budget)) return false;
    const domain = text.slice(at + 1);
    return domain.startsWith('[') ? isAddressLiteral(domain, budget) : isDomain(domain, budget);
  };

/** RFC 3986, and 3987 for other alphabets. */
const UCS =
  '\\u{a0}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{ffef}\\u{10000}-\\u{1fffd}\\u{20000}-\\u{2fffd}\\u{30000}-\\u{3fffd}\\u{40000}-\\u{dfffd}\\u{e1000}-\\u{efffd}';
const PRIVATE = '\\u{e000}-\\u{f8ff}\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}';
const PERCENT = '%[\\da-fA-F]{2}';

function resource(more: string, moreInQuery: string) {
  const char = (extra: string) => `(?:[\\w\\-.~!$&'()*+,;=${extra}${more}]|${PERCENT})`;
  const pchar = char(':@');
  const rest = `(?:\\/${pchar}*)*`;
  const ip = `\\[(?:${IPV6}|[vV][\\da-fA-F]+\\.[\\w\\-.~!$&'()*+,;=:]+)\\]`;
  const authority = `(?:${char(':')}*@)?(?:${ip}|${char('')}*)(?::\\d*)?`;
  const absolute = `\\/\\/${authority}${rest}|\\/(?:${pchar}+${rest})?`;
  const tail = `(?:\\?(?:${pchar}|[\\/?${moreInQuery}])*)?(?:#(?:${pchar}|[\\/?])*)?`;
  const whole = `[a-zA-Z][a-zA-Z\\d+\\-.]*:(?:${absolute}|${pchar}+${rest}|)${tail}`;
  const relative = `(?:${absolute}|${char('@')}+${rest}|)${tail}`;
  return { whole, reference: `${whole}|${relative}` };
}

const URI = resource('', '');
const IRI = resource(UCS, PRIVATE);

/** RFC 6570. */
const VAR_CHAR = `(?:\\w|${PERCENT})`;
const VARIABLE = `${VAR_CHAR}(?:\\.?${VAR_CHAR})*(?::[1-9]\\d{0,3}|\\*)?`;
const EXPRESSION = `\\{[+#.\\/;?&=,!@|]?${VARIABLE}(?:,${VARIABLE})*\\}`;
const TEMPLATE_TEXT = `[\\x21\\x23\\x24\\x26-\\x3b\\x3d\\x3f-\\x5b\\x5d\\x5f\\x61-\\x7a~${UCS}${PRIVATE}]`;

/** RFC 6901. */
const POINTER = '(?:\\/(?:[^~\\/]|~[01])*)*';

/** All of ECMA-262, also what `pattern` does not take. */
const isRegex: Format = (text, budget) => isPattern(text, budget);

export const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['date', isDate],
  ['time', isTime],
  ['date-time', isDateTime],
  ['duration', by(DURATION)],
  ['email', email(by(LOCAL), isHostname)],
  ['idn-email', email(by(IDN_LOCAL), isIdn)],
  ['hostname', isHostname],
  ['idn-hostname', isIdn],
  ['ipv4', by(IPV4)],
  ['ipv6', by(IPV6)],
  ['uri', by(URI.whole)],
  ['uri-reference', by(URI.reference)],
  ['iri', by(IRI.whole)],
  ['iri-reference', by(IRI.reference)],
  ['uri-template', by(`(?:${TEMPLATE_TEXT}|${PERCENT}|${EXPRESSION})*`)],
  ['uuid', by('[\\da-fA-F]{8}(?:-[\\da-fA-F]{4}){3}-[\\da-fA-F]{12}')],
  ['json-pointer', by(POINTER)],
  ['relative-json-pointer', by(`(?:0|[1-9]\\d*)(?:[+-](?:0|[1-9]\\d*))?(?:#|${POINTER})`)],
  ['regex', isRegex],
]);
