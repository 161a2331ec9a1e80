import type { ReactNode } from 'react';
import { Link } from '../router/link.tsx';
import { Icon } from './icon.tsx';

interface WayBackProps {
  readonly href: string;
  /** What the link leads back to, such as "All types". */
  readonly children: ReactNode;
}

/** From one thing back to the list of them, above the title. */
export function WayBack({ href, children }: WayBackProps) {
  return (
    <Link className="way-back" href={href}>
      <Icon name="back" /> {children}
    </Link>
  );
}
