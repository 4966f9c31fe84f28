/**
 * The one table of Slack's limits. Renderers shorten by it, the sandbox refuses by it.
 * Source: Slack's Block Kit, views and messaging references. Lengths are in characters, as JavaScript
 * counts them (UTF-16 units), which is never fewer than Slack counts.
 */
export const LIMITS = {
  blocks: { message: 50, view: 100 },
  /**
   * Characters of text over all blocks of a posted message; beyond it `msg_blocks_too_long`. Not in Slack's
   * reference: about 13,200 as measured by others, and fewer with many blocks, so stay well below.
   */
  blocksText: 13_200,
  /** Any `block_id`, `action_id`, `callback_id` or `external_id`. */
  id: 255,
  /** Any text object, where nothing narrower is said. */
  textObject: 3000,

  section: { text: 3000, fields: 10, fieldText: 2000 },
  header: { text: 150 },
  context: { elements: 10 },
  contextActions: { elements: 5 },
  actions: { elements: 25 },
  image: { url: 3000, altText: 2000, title: 2000 },
  input: { label: 2000, hint: 2000 },
  video: { title: 199, authorName: 49, description: 200 },
  /** Characters over all markdown blocks of one message. */
  markdown: { text: 12_000 },
  table: { rows: 100, columns: 20, perMessage: 1 },
  /** `rows` counts the header row. `characters` is over all data tables of one message. */
  dataTable: { minRows: 2, rows: 101, columns: 20, pageSize: 100, characters: 10_000 },
  dataVisualization: { title: 50, series: 12, categories: 20, label: 20, perMessage: 2 },
  card: { title: 150, subtitle: 150, body: 200 },
  carousel: { elements: 10 },
  alert: { text: 200 },
  container: { children: 10, title: 150, subtitle: 150 },

  button: { text: 75, value: 2000, url: 3000, accessibilityLabel: 75 },
  option: { text: 75, value: 150, description: 75, url: 3000 },
  options: { select: 100, groups: 100, overflow: 5, radioButtons: 10, checkboxes: 10 },
  optionGroup: { label: 75 },
  placeholder: 150,
  confirm: { title: 100, text: 300, confirm: 30, deny: 30 },
  plainTextInput: { maxLength: 3000 },
  fileInput: { maxFiles: 10 },

  modal: { title: 24, submit: 24, close: 24 },
  view: { privateMetadata: 3000, bytes: 250 * 1024, stack: 3 },

  /** `recommended`: above it Slack may fold or split. `cut`: the rest is dropped without an error. */
  messageText: { recommended: 4000, cut: 40_000 },

  /** Milliseconds a person's click or command waits for an ack, and how long its trigger_id lives. */
  ack: 3000,
  triggerId: 3000,
  responseUrl: { uses: 5, lifetime: 30 * 60_000 },
  /** Milliseconds between two messages in one channel. */
  messageInterval: 1000,
} as const;
