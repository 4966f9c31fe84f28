/** Takes a change back. */
export type Undo = () => void;
