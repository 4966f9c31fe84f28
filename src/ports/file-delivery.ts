/** Sends finished files to a channel or thread. */
export interface FileDelivery {
  /** Bytes that one file may have. */
  readonly maxBytes: number;
  /**
   * Resolves when Slack has taken everything; `shared` then says whether it was seen in the channel after a while.
   * The files come there in any case.
   * @throws AppError worded for people (not in the channel, uploads disabled, storage full, …); CancelledError
   */
  deliver(
    delivery: {
      files: readonly { path: string; name: string; title: string; bytes: number }[];
      channel: string;
      thread?: string | undefined;
      comment: string;
      /** Instead of the comment, where Slack takes them. */
      blocks?: readonly object[] | undefined;
    },
    options: {
      signal?: AbortSignal;
      onProgress?: (bytesSent: number) => void;
      /** Before Slack is asked to share what it has: from here on they may be there, whatever comes back. */
      onSharing?: (ids: readonly string[]) => Promise<void>;
    },
  ): Promise<{ shared: Promise<boolean> }>;
  /**
   * Whether files that were being shared are there.
   * @param since when that was begun
   * @returns undefined when nobody can say
   */
  hasArrived(ids: readonly string[], channel: string, since: number): Promise<boolean | undefined>;
}
