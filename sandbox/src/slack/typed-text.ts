/** What a person types, as Slack's client sends it. */
import type { Workspace } from './workspace.ts';

/**
 * Turns `@name`, `#channel` and addresses into Slack's `<…>` forms. Text that is in `<…>` already stays.
 * @param withNames adds the name to the id, as in a command's text: `<@U…|ada>`
 */
export function linked(workspace: Workspace, text: string, { withNames = false } = {}): string {
  return text.replace(
    /<[^<>]*>|(?<![\w`])([@#])([\w.-]*\w)|https?:\/\/[^\s<>|]*[^\s<>|.,;:!?'")\]]/g,
    (whole, sign, name) => {
      if (sign === '@') {
        const group = workspace.userGroups.find((one) => one.handle === name);
        if (group !== undefined)
          return withNames ? `<!subteam^${group.id}|@${name}>` : `<!subteam^${group.id}>`;
        if (name === 'channel' || name === 'here' || name === 'everyone') return `<!${name}>`;
        const user = workspace.findUser(String(name));
        return user === undefined ? whole : withNames ? `<@${user.id}|${user.name}>` : `<@${user.id}>`;
      }
      if (sign === '#') {
        const channel = workspace.findChannel(String(name));
        return channel === undefined ? whole : `<#${channel.id}|${channel.name}>`;
      }
      return whole.startsWith('<') ? whole : `<${whole}>`;
    },
  );
}
