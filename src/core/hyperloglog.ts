/**
 * How many different values there were, in at most 12 KB: HyperLogLog++ (Heule, Nunkesser, Hall
 * 2013). Few values are kept as what their hashes say with 25 bits for the register, which counts
 * them nearly exactly; many as 2^14 registers. In place of tables of corrections stands the
 * estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which
 * needs none and is without bias from one value on.
 *
 * A value is known by its code: the first 25 bits of a 64-bit hash, and 6 bits that say at which
 * place the first one stands among the other 39.
 */
import { VarintReader, VarintWriter } from './varint.ts';

const REGISTER_BITS = 14;
const REGISTERS = 2 ** REGISTER_BITS;
const FINE_BITS = 25;
const RANK_BITS = 6;
/** Bits of the fine register beyond those of a register. */
const EXTRA_BITS = FINE_BITS - REGISTER_BITS;
const RANK_MAX = 64 - REGISTER_BITS + 1;
/** From then on registers take fewer bytes. */
const FINE_MAX = 4_096;
const REGISTER_BYTES = (REGISTERS * 6) / 8;

/** The standard error of a count, as a part of it: 1.04 / √2^14. */
export const UNIQUE_ERROR = 0.0081;

const FINE = 1;
const COARSE = 2;

export class HyperLogLog {
  /** Ranks by fine registers; null once there are too many. */
  #fine: Map<number, number> | null = new Map();
  #registers: Uint8Array | null = null;
  /** All that there is, as long as nothing is added to it: most sketches are only read. */
  #only: Uint8Array | null = null;

  /** @throws RangeError for bytes that are no sketch */
  static fromBytes(bytes: Uint8Array): HyperLogLog {
    const sketch = new HyperLogLog();
    sketch.mergeBytes(bytes);
    return sketch;
  }

  /** @throws RangeError for bytes that are no sketch */
  mergeBytes(bytes: Uint8Array): void {
    const isCoarse = bytes[0] === COARSE && bytes.length === REGISTER_BYTES + 1;
    if (bytes[0] !== FINE && !isCoarse) {
      throw new RangeError('these bytes are no sketch of different values');
    }
    if (this.#only === null && this.#fine?.size === 0) this.#only = bytes;
    else {
      this.#open();
      this.#take(bytes);
    }
  }

  add(code: number): void {
    this.#open();
    const fine = code >>> RANK_BITS;
    const rank = code & (2 ** RANK_BITS - 1);
    if (this.#fine === null) return this.#raise(fine, rank);
    this.#fine.set(fine, Math.max(rank, this.#fine.get(fine) ?? 0));
    if (this.#fine.size > FINE_MAX) this.#coarsen();
  }

  merge(other: HyperLogLog): void {
    if (other.#only !== null) return this.mergeBytes(other.#only);
    this.#open();
    if (other.#fine !== null) {
      for (const [fine, rank] of other.#fine) this.add(fine * 2 ** RANK_BITS + rank);
      return;
    }
    this.#coarsen();
    this.#raiseAll(other.#registers as Uint8Array);
  }

  count(): number {
    const few = this.#only?.[0] === FINE ? varintsIn(this.#only) : this.#fewCount();
    if (few !== null) {
      const places = 2 ** FINE_BITS;
      return Math.round(places * Math.log(places / (places - few)));
    }
    this.#open();
    return Math.round(estimate(this.#registers as Uint8Array));
  }

  toBytes(): Uint8Array {
    if (this.#only !== null) return this.#only;
    if (this.#fine === null) {
      return Buffer.concat([Uint8Array.of(COARSE), packed(this.#registers as Uint8Array)]);
    }
    const writer = new VarintWriter();
    const codes = [...this.#fine].map(([fine, rank]) => fine * 2 ** RANK_BITS + rank);
    let before = 0;
    for (const code of codes.sort((a, b) => a - b)) {
      writer.write(code - before);
      before = code;
    }
    return Buffer.concat([Uint8Array.of(FINE), writer.bytes()]);
  }

  /** How many fine registers there are; null where they are coarse, or still bytes. */
  #fewCount(): number | null {
    return this.#only === null && this.#fine !== null ? this.#fine.size : null;
  }

  #open(): void {
    const bytes = this.#only;
    this.#only = null;
    if (bytes !== null) this.#take(bytes);
  }

  #take(bytes: Uint8Array): void {
    if (bytes[0] === FINE) {
      const reader = new VarintReader(bytes, 1);
      for (let code = 0; !reader.isAtEnd;) this.add((code += reader.read()));
    } else {
      this.#coarsen();
      this.#raiseAll(unpacked(bytes.subarray(1)));
    }
  }

  #raiseAll(others: Uint8Array): void {
    const registers = this.#registers as Uint8Array;
    for (let at = 0; at < REGISTERS; at++) {
      const rank = others[at] as number;
      if (rank > (registers[at] as number)) registers[at] = rank;
    }
  }

  #coarsen(): void {
    if (this.#fine === null) return;
    const all = this.#fine;
    this.#fine = null;
    this.#registers = new Uint8Array(REGISTERS);
    for (const [fine, rank] of all) this.#raise(fine, rank);
  }

  #raise(fine: number, rank: number): void {
    const registers = this.#registers as Uint8Array;
    const at = fine >>> EXTRA_BITS;
    const extra = fine & (2 ** EXTRA_BITS - 1);
    const coarse = extra === 0 ? EXTRA_BITS + rank : Math.clz32(extra) - (32 - EXTRA_BITS) + 1;
    if (coarse > (registers[at] ?? 0)) registers[at] = coarse;
  }
}

/** How many numbers follow the first byte: the last byte of each has its high bit clear. */
function varintsIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 1; at < bytes.length; at++) if ((bytes[at] as number) < 128) count += 1;
  return count;
}

function estimate(registers: Uint8Array): number {
  const counts = new Array<number>(RANK_MAX + 1).fill(0);
  for (const rank of registers) counts[rank] = (counts[rank] ?? 0) + 1;
  const countOf = (rank: number) => counts[rank] ?? 0;
  let z = REGISTERS * tau(1 - countOf(RANK_MAX) / REGISTERS);
  for (let rank = RANK_MAX - 1; rank >= 1; rank--) z = 0.5 * (z + countOf(rank));
  z += REGISTERS * sigma(countOf(0) / REGISTERS);
  return (REGISTERS * REGISTERS) / (2 * Math.LN2 * z);
}

function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let sum = share;
  for (let weight = 1, before = -1; sum !== before; weight *= 2) {
    x *= x;
    before = sum;
    sum += x * weight;
  }
  return sum;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let sum = 1 - share;
  for (let weight = 0.5, before = -1; sum !== before; weight *= 0.5) {
    x = Math.sqrt(x);
    before = sum;
    sum -= (1 - x) ** 2 * weight;
  }
  return sum / 3;
}

/** Four ranks of six bits in three bytes. */
function packed(registers: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(REGISTER_BYTES);
  for (let from = 0, to = 0; from < REGISTERS; from += 4, to += 3) {
    const b = registers[from + 1] as number;
    const c = registers[from + 2] as number;
    bytes[to] = ((registers[from] as number) << 2) | (b >> 4);
    bytes[to + 1] = ((b & 15) << 4) | (c >> 2);
    bytes[to + 2] = ((c & 3) << 6) | (registers[from + 3] as number);
  }
  return bytes;
}

function unpacked(bytes: Uint8Array): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  for (let from = 0, to = 0; to < REGISTERS; from += 3, to += 4) {
    const x = bytes[from] as number;
    const y = bytes[from + 1] as number;
    const z = bytes[from + 2] as number;
    registers[to] = x >> 2;
    registers[to + 1] = ((x & 3) << 4) | (y >> 4);
    registers[to + 2] = ((y & 15) << 2) | (z >> 6);
    registers[to + 3] = z & 63;
  }
  return registers;
}
