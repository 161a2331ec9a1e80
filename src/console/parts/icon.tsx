/** Icons of one stroke, drawn on a grid of 16; they say nothing to a screen reader. */
const PATHS = {
  events: 'M1.5 8h3l2-5 3 10 2-5h3',
  explore: 'M2 13.5h12M4 11V7.5M8 11V3M12 11V5.5',
  definitions: 'M3 2.5h10v11H3zM5.5 6h5M5.5 8.5h5M5.5 11h3',
  consumers: 'M2 8h4M6 8l4-4.5h4M6 8h8M6 8l4 4.5h4',
  notifications:
    'M3 11.5h10c-1-1-1.5-2-1.5-4.5a3.5 3.5 0 0 0-7 0c0 2.5-.5 3.5-1.5 4.5zM6.7 13.8h2.6',
  settings: 'M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M9 3v3M4 10v3',
  status: 'M8 14A6 6 0 1 1 8 2a6 6 0 0 1 0 12ZM8 8l2.5-2.5',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3',
  columns: 'M2 3h12v10H2zM6 3v10M10 3v10',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 3v10l8-5z',
  bell: 'M3 11.5h10c-1-1-1.5-2-1.5-4.5a3.5 3.5 0 0 0-7 0c0 2.5-.5 3.5-1.5 4.5zM6.7 13.8h2.6',
  search: 'M7 11.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zM10.3 10.3 14 14',
  plus: 'M8 3v10M3 8h10',
  filter: 'M2 3.5h12M4.5 8h7M6.5 12.5h3',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  check: 'M3 8.5l3.5 3.5L13 4.5',
  warning: 'M8 2.5l6 11H2zM8 6.5v3M8 11.5v.2',
  download: 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11',
  chevron: 'M6 3.5l4.5 4.5L6 12.5',
  back: 'M10 3.5 5.5 8l4.5 4.5',
  up: 'M8 13V3M4 7l4-4 4 4',
  external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11 9.5v4H2.5V5H6.5',
  signOut: 'M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6',
  sun: 'M8 11a3 3 0 1 1 0-6 3 3 0 0 1 0 6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  auto: 'M8 14A6 6 0 1 1 8 2a6 6 0 0 1 0 12zM8 2v12M8 5l3.5-.8M8 8h6M8 11l3.5.8',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
