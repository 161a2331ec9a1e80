import { useEffect, useState } from 'react';

export interface Health {
  /** Null until it is known. */
  readonly isReady: boolean | null;
  /** Why it is not ready, in sentences. */
  readonly reasons: readonly string[];
}

/** Whether the gateway can record and read, asked again and again. */
export function useHealth(everyMs: number): Health {
  const [health, setHealth] = useState<Health>({ isReady: null, reasons: [] });
  useEffect(() => {
    let isOver = false;
    async function ask(): Promise<void> {
      const found = await askHealth();
      if (!isOver) setHealth(found);
    }
    void ask();
    const timer = setInterval(() => void ask(), everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [everyMs]);
  return health;
}

async function askHealth(): Promise<Health> {
  try {
    const response = await fetch('/health/ready', { credentials: 'omit' });
    const { reasons = [] } = (await response.json()) as { reasons?: string[] };
    return { isReady: response.ok, reasons };
  } catch {
    return { isReady: false, reasons: ['The gateway does not answer.'] };
  }
}
