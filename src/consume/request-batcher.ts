/**
 * Requests that take turns. One turn runs at a time; what comes meanwhile shares the next, as far as
 * it may: many workers that ask for little wait for one commit together, as flushes do.
 */
export interface BatcherOptions<Request, Answer> {
  readonly sizeOf: (request: Request) => number;
  /** Of all in a turn, unless one alone has more. */
  readonly sizeMax: number;
  readonly mayShare: (first: Request, other: Request) => boolean;
  /** Answers each, in the order of the requests. Where it throws, all fail. */
  readonly run: (requests: readonly [Request, ...Request[]]) => Promise<readonly Answer[]>;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly settle: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

export class RequestBatcher<Request, Answer> {
  readonly #options: BatcherOptions<Request, Answer>;
  #waiting: Waiting<Request, Answer>[] = [];
  #isRunning = false;

  constructor(options: BatcherOptions<Request, Answer>) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return !this.#isRunning;
  }

  ask(request: Request): Promise<Answer> {
    return new Promise((settle, fail) => {
      this.#waiting.push({ request, settle, fail });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const [first, ...others] = this.#takeGroup();
      try {
        const answers = await this.#options.run([
          first.request,
          ...others.map(({ request }) => request),
        ]);
        for (const [at, { settle }] of [first, ...others].entries()) settle(answers[at] as Answer);
      } catch (error) {
        for (const { fail } of [first, ...others]) fail(error);
      }
    }
    this.#isRunning = false;
  }

  /** The first, and all that may share its turn. */
  #takeGroup(): [Waiting<Request, Answer>, ...Waiting<Request, Answer>[]] {
    const { sizeOf, sizeMax, mayShare } = this.#options;
    const [first, ...rest] = this.#waiting as [
      Waiting<Request, Answer>,
      ...Waiting<Request, Answer>[],
    ];
    const group: [Waiting<Request, Answer>, ...Waiting<Request, Answer>[]] = [first];
    let size = sizeOf(first.request);
    this.#waiting = rest.filter(each => {
      const more = sizeOf(each.request);
      if (!mayShare(first.request, each.request) || size + more > sizeMax) return true;
      size += more;
      group.push(each);
      return false;
    });
    return group;
  }
}
