import type { Owner } from './embedded-binaries.ts';

/**
 * Works in folders of another user with that user's rights. Root that writes or changes owners
 * there would follow a symbolic link that the user has put in place of a file, and so give the
 * user every file of the system. The rights are those of the process: the work must be synchronous.
 * @param owner undefined for the user of this process
 */
export function asOwner<T>(owner: Owner | undefined, work: () => T): T {
  if (owner === undefined || process.geteuid?.() !== 0) return work();
  const groups = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? 0;
  process.setgroups?.([owner.gid]);
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.setgroups?.(groups);
  }
}
