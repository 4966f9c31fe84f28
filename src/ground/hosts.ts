/** Hosts as they stand in an address: those of IPv6 in brackets. */

/** @param host as a server listens on it: `127.0.0.1`, `::1`, `localhost` */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Whether only this machine can connect there. @param host as in a URL */
export const isLoopback = (host: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(host);
