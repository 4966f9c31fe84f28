/** Links to what was made. */
export interface ArtifactLinks {
  /**
   * A link that anybody who has it can download from until it expires. Where the credentials behind it end
   * earlier than asked for, it does too; its `X-Amz-Expires` says the seconds.
   * @throws AppError not_found when the object is not there, permission_denied
   */
  presign(s3Uri: string, options: { expiresSeconds: number; fileName: string }): Promise<string>;
}
