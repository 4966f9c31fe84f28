/** Sends finished files to a channel or thread. */
export interface FileDelivery {
  /** The most bytes that one file may have. */
  readonly maxBytes: number;
  /**
   * Resolves when Slack has accepted everything; `shared` then tells whether the files were seen in the channel after
   * a while. They get there in any case.
   * @throws AppError worded for people (not in the channel, uploads disabled, storage full, …); CancelledError
   */
  deliver(
    delivery: {
      files: readonly { path: string; name: string; title: string; bytes: number }[];
      channel: string;
      thread?: string | undefined;
      comment: string;
      /** Instead of the comment, where Slack accepts them. */
      blocks?: readonly object[] | undefined;
    },
    options: {
      signal?: AbortSignal;
      onProgress?: (bytesSent: number) => void;
      /** Called when it has to wait because files come faster than they are accepted; it goes on by itself. */
      onWait?: () => void;
      /** Called before Slack is asked to share the files: from then on they may be there, whatever Slack answers. */
      onSharing?: (ids: readonly string[]) => Promise<void>;
    },
  ): Promise<{ shared: Promise<boolean> }>;
  /**
   * Whether files that were being shared are there.
   * @param since when sharing began
   * @returns undefined when nobody can say
   */
  hasArrived(ids: readonly string[], channel: string, since: number): Promise<boolean | undefined>;
}
