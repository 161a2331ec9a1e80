/** For all that lasts a while: the time of day may be put back or ahead by days. */
export const monotonicMs = () => performance.now();
