/** Light, dark, or as the system has it. */
import { createStore, useStore } from '../api/store.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED_AT = 'sluice.theme';

const theme = createStore<Theme>(
  THEMES.find(each => each === localStorage.getItem(STORED_AT)) ?? 'auto',
);

function show(): void {
  document.documentElement.dataset['theme'] = theme.get();
}
theme.subscribe(show);
show();

export function useTheme(): Theme {
  return useStore(theme);
}

export function setTheme(next: Theme): void {
  localStorage.setItem(STORED_AT, next);
  theme.set(next);
}

/** Called when the colours on screen change, whoever changed them. */
export function onThemeChange(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  system.addEventListener('change', listener);
  const leave = theme.subscribe(listener);
  return () => {
    system.removeEventListener('change', listener);
    leave();
  };
}

/** A colour of the stylesheet as a canvas takes it, such as `--accent`. */
export function colorOf(name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
