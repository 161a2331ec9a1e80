/**
 * The console in a real browser, in front of a real gateway. Without a browser on the machine the
 * tests are skipped, and say so; `SLUICE_REQUIRE_BROWSER=1` makes that a failure.
 */
import type { NodeResult, Result } from 'axe-core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject } from 'vitest';
import type { Config } from '../../../../src/config/config.ts';
import { browserPath } from '../../../kit/browser-path.ts';
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../../../kit/gateway.ts';

export interface PageOptions {
  /** With null nobody is signed in; the admin is by default. */
  readonly key?: string | null;
  readonly scheme?: 'light' | 'dark';
  /** In CSS pixels; 1280 by default, 390 is a phone's. */
  readonly width?: number;
  readonly permissions?: string[];
  /** Runs before the page's own scripts. */
  readonly before?: string;
  /** Address of another gateway on the same database. */
  readonly url?: string;
}

export interface ConsoleKit {
  readonly gateway: TestGateway;
  /** Opens a page of the console in a session of its own. */
  open(path: string, options?: PageOptions): Promise<Page>;
}

/** A machine under load is slow; whoever waits for less than this fails on it. */
const PATIENCE_MS = 90_000;
/** For `expect.poll`. */
export const PATIENCE = { timeout: PATIENCE_MS, interval: 250 } as const;
const LAUNCH_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
];
/** A folder for screenshots of every page in four views; none are made where it is not set. */
const SCREENSHOTS = process.env['SLUICE_SCREENSHOTS'];

/** Tests of the console: `kit` is ready in tests, and not before. `config` is its gateway's. */
export function describeConsole(
  name: string,
  tests: (kit: ConsoleKit) => void,
  config: Partial<Config> = {},
  browser: Parameters<typeof browserPath>[0] = {},
): void {
  const executablePath = browserPath(browser);
  if (executablePath === null && process.env['SLUICE_REQUIRE_BROWSER'] !== '1') {
    // A page can't be looked at without a browser. `.ci/run` has one and requires it.
    const title = `${name} (no Chromium on this machine: SLUICE_BROWSER names one)`;
    describe.skip(title, () => tests(unready));
    return;
  }
  describe(name, { timeout: 4 * PATIENCE_MS }, () => {
    const running = new RunningConsole();
    beforeAll(() => running.start(executablePath, config), 4 * PATIENCE_MS);
    afterEach(() => running.closePages());
    afterAll(() => running.stop(), PATIENCE_MS);
    tests(running);
  });
}

const unready: ConsoleKit = {
  get gateway(): never {
    throw new Error('there is no browser');
  },
  open: () => Promise.reject(new Error('there is no browser')),
};

class RunningConsole implements ConsoleKit {
  #gateway: TestGateway | null = null;
  #browser: Browser | null = null;

  async start(executablePath: string | null, config: Partial<Config>): Promise<void> {
    if (executablePath === null) throw new Error('SLUICE_REQUIRE_BROWSER is set: no Chromium here');
    if (!inject('isConsoleBuilt')) throw new Error('the console could not be built');
    this.#gateway = await startTestGateway({ config });
    this.#browser = await chromium.launch({ executablePath, args: LAUNCH_ARGS });
  }

  async stop(): Promise<void> {
    await this.#browser?.close();
    await this.#gateway?.[Symbol.asyncDispose]();
  }

  /** Pages that are left open go on painting what happens. */
  async closePages(): Promise<void> {
    await Promise.all(this.#browser?.contexts().map(context => context.close()) ?? []);
  }

  get gateway(): TestGateway {
    if (!this.#gateway) throw new Error('not started');
    return this.#gateway;
  }

  async open(path: string, options: PageOptions = {}): Promise<Page> {
    if (!this.#browser) throw new Error('not started');
    const { key = ADMIN_KEY, scheme = 'light', width = 1_280, permissions = [], before } = options;
    const { url = this.gateway.url } = options;
    const context = await this.#browser.newContext({
      viewport: { width, height: 800 },
      colorScheme: scheme,
      locale: 'en-GB',
      timezoneId: 'Europe/Vienna',
      baseURL: url,
      permissions,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    watch(page, url);
    if (key !== null) await page.addInitScript(signIn(key));
    if (before !== undefined) await page.addInitScript(before);
    await page.goto(path);
    return page;
  }
}

/** As after signing in; a tab that signed out stays so. */
function signIn(key: string): string {
  return `if (sessionStorage.getItem('signed in') === null) {
    sessionStorage.setItem('signed in', 'once');
    sessionStorage.setItem('sluice.key', ${JSON.stringify(key)});
  }`;
}

const faults = new WeakMap<Page, string[]>();

/** Notes what no page may do: ask another host, break its policy, throw. */
function watch(page: Page, origin: string): void {
  const found: string[] = [];
  faults.set(page, found);
  page.on('pageerror', error => found.push(`threw ${error.message}`));
  page.on('request', request => {
    if (new URL(request.url()).origin !== origin) found.push(`asked ${request.url()}`);
  });
  page.on('console', message => {
    const isRefusal = /Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !isRefusal) found.push(`logged ${message.text()}`);
  });
}

/** The page kept to itself and to its policy, and nothing was thrown. */
export function expectNoFaults(page: Page): void {
  expect(faults.get(page)).toEqual([]);
}

/** axe finds nothing serious, wide in light and narrow in dark, and nothing sticks out. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const { width, checked } of VIEWS) {
    await page.setViewportSize({ width, height: 800 });
    if (SCREENSHOTS !== undefined) await photograph(page, join(SCREENSHOTS, `${name}-${width}`));
    await show(page, checked);
    expect(await seriousFindings(page), `${name}, ${checked}, ${width} px`).toEqual([]);
    const sticksOut = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(sticksOut), `${name} at ${width} px`).toBe(0);
  }
  if (before) await page.setViewportSize(before);
}

async function photograph(page: Page, path: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await show(page, scheme);
    await page.screenshot({ path: `${path}-${scheme}.png` });
  }
}

async function show(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.evaluate(PAINTED);
}

/** A frame is drawn by the styles of now once another one begins, and no colour is between two. */
const PAINTED = `(async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  do await frame(); while (document.getAnimations().some(one => one instanceof CSSTransition));
})()`;

const VIEWS = [
  { width: 1_280, checked: 'light' },
  { width: 390, checked: 'dark' },
] as const;

/** Not `axe.source`, which has twice as much to read. */
const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

async function seriousFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(`${AXE}; undefined`);
  // Of what is as it should be, nobody is told where it is: that would take most of the time.
  const told = `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical'))`;
  const found = (await page.evaluate(told)) as Result[];
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(described).join(' | ')}`);
}

function described({ html, failureSummary = '' }: NodeResult): string {
  return `${html.slice(0, 160)} (${failureSummary.split('\n').slice(1).join(' ').trim()})`;
}
