/** Download links to compiled models. */
export interface ArtifactLinks {
  /**
   * A link that works for anybody who has it until it expires, which is earlier than requested if the credentials
   * behind it expire first; its `X-Amz-Expires` has the seconds.
   * @throws AppError not_found when the object does not exist, permission_denied
   */
  presign(s3Uri: string, options: { expiresSeconds: number; fileName: string }): Promise<string>;
}
