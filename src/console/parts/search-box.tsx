import { useEffect, useState } from 'react';
import { Icon } from './icon.tsx';

const AFTER_MS = 300;

interface SearchBoxProps {
  readonly label: string;
  /** What is searched for now. */
  readonly text: string;
  /** Called a moment after the last letter. */
  readonly onSearch: (text: string) => void;
}

export function SearchBox({ label, text, onSearch }: SearchBoxProps) {
  const [typed, setTyped] = useState(text);
  const [shown, setShown] = useState(text);
  // The address may change by other hands: back, or "clear".
  if (shown !== text) {
    setShown(text);
    setTyped(text);
  }
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => onSearch(typed.trim()), AFTER_MS);
    return () => clearTimeout(timer);
    // Another function with the same letters is no reason to wait again.
  }, [typed]);
  return (
    <div className="search-box">
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={typed}
        onChange={event => setTyped(event.target.value)}
      />
    </div>
  );
}
