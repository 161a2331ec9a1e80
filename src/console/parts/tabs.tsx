import { Link } from '../router/link.tsx';

export interface Tab {
  readonly title: string;
  readonly href: string;
  readonly isCurrent: boolean;
}

/** Views of one thing, each with an address of its own. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav className="tabs" aria-label={label}>
      {tabs.map(({ title, href, isCurrent }) => (
        <Link key={title} href={href} aria-current={isCurrent ? 'page' : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
