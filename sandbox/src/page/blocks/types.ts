/**
 * Block Kit as far as the page draws it. What arrives was checked by the sandbox's Web API, yet every field is
 * optional here: the page must not fall over because of one odd block.
 */

export interface TextObject {
  type?: 'plain_text' | 'mrkdwn' | 'raw_text' | 'raw_number';
  text?: string;
  emoji?: boolean;
  verbatim?: boolean;
}

export interface Confirm {
  title?: TextObject;
  text?: TextObject;
  confirm?: TextObject;
  deny?: TextObject;
  style?: 'primary' | 'danger';
}

export interface Option {
  text: TextObject;
  value?: string;
  description?: TextObject;
  url?: string;
}

export interface OptionGroup {
  label: TextObject;
  options: Option[];
}

export interface Element {
  type: string;
  action_id?: string;
  text?: TextObject | string;
  value?: string;
  url?: string;
  style?: 'primary' | 'danger';
  confirm?: Confirm;
  placeholder?: TextObject;
  options?: Option[];
  option_groups?: OptionGroup[];
  min_query_length?: number;
  max_selected_items?: number;
  initial_option?: Option;
  initial_options?: Option[];
  initial_user?: string;
  initial_users?: string[];
  initial_channel?: string;
  initial_channels?: string[];
  initial_conversation?: string;
  initial_conversations?: string[];
  initial_date?: string;
  initial_time?: string;
  initial_date_time?: number;
  initial_value?: string;
  multiline?: boolean;
  min_length?: number;
  max_length?: number;
  min_value?: string;
  max_value?: string;
  is_decimal_allowed?: boolean;
  focus_on_load?: boolean;
  accessibility_label?: string;
  dispatch_action_config?: { trigger_actions_on?: string[] };
  image_url?: string;
  slack_file?: { id?: string; url?: string };
  alt_text?: string;
  icon?: string;
  positive_button?: { text?: TextObject; value?: string };
  negative_button?: { text?: TextObject; value?: string };
}

export interface RichNode {
  type: string;
  elements?: RichNode[];
  text?: string;
  style?: string | Record<string, boolean>;
  indent?: number;
  offset?: number;
  border?: number;
  url?: string;
  name?: string;
  unicode?: string;
  user_id?: string;
  channel_id?: string;
  usergroup_id?: string;
  range?: string;
  timestamp?: number;
  format?: string;
  fallback?: string;
  value?: string;
}

export type Cell = TextObject & RichNode & { value?: number | string };

export interface ChartSeries {
  name?: string;
  data?: { label?: string; value?: number }[];
}

export interface AnyBlock {
  type: string;
  block_id?: string;
  text?: TextObject | string;
  fields?: TextObject[];
  accessory?: Element;
  elements?: (Element & RichNode)[];
  element?: Element;
  label?: TextObject;
  hint?: TextObject;
  optional?: boolean;
  dispatch_action?: boolean;
  title?: TextObject | string;
  rich_text_title?: RichNode;
  subtitle?: TextObject;
  body?: TextObject;
  actions?: Element[];
  icon?: Element;
  hero_image?: Element;
  child_blocks?: AnyBlock[];
  width?: string;
  is_collapsible?: boolean;
  default_collapsed?: boolean;
  has_header_divider?: boolean;
  level?: string;
  image_url?: string;
  slack_file?: { id?: string; url?: string };
  alt_text?: string;
  rows?: Cell[][];
  caption?: string;
  page_size?: number;
  row_header_column_index?: number;
  column_settings?: ({ align?: 'left' | 'center' | 'right'; is_wrapped?: boolean } | null)[];
  chart?: {
    type?: string;
    series?: ChartSeries[];
    segments?: { label?: string; value?: number }[];
    axis_config?: { categories?: string[]; x_label?: string; y_label?: string };
  };
  status?: string;
  tasks?: AnyBlock[];
  details?: RichNode;
  output?: RichNode;
  video_url?: string;
  title_url?: string;
  description?: TextObject;
}
