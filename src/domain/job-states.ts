/**
 * Where a job stands, in our own words. Each provider maps its words to these, and nothing else compares a provider's
 * words. `unknown`: a word that the provider's adapter does not know; it is shown as it came.
 */
export type JobState = 'pending' | 'running' | 'stopping' | 'completed' | 'failed' | 'stopped' | 'unknown';
