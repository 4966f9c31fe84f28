import { api } from '../api.ts';
import { safeUrl } from '../mrkdwn/parse.ts';
import { Button, FeedbackButtons, Overflow } from './buttons.tsx';
import { Choices, DateTimeInput, RichTextInput, TextInput } from './inputs.tsx';
import { type FieldProps, Select } from './select.tsx';
import { bare } from './text.tsx';
import type { Element } from './types.ts';

/** The address of an image, from the web or from the workspace's own files. */
function imageUrl(image: Pick<Element, 'image_url' | 'slack_file'>): string | undefined {
  if (image.slack_file?.id) return api.fileContent(image.slack_file.id);
  const url = image.image_url ?? '';
  return /^https?:/i.test(url) ? safeUrl(url) : undefined;
}

export function Picture(props: {
  image: Pick<Element, 'image_url' | 'slack_file' | 'alt_text'>;
  className: string;
}) {
  const url = imageUrl(props.image);
  const alt = props.image.alt_text ?? '';
  if (!url) return <span className={`${props.className} picture-missing`}>{alt || 'image'}</span>;
  return <img className={props.className} src={url} alt={alt} loading="lazy" referrerPolicy="no-referrer" />;
}

/** Any interactive element (and the image, which stands in the same places). */
export function AnyElement(props: FieldProps) {
  const { block, element } = props;
  switch (element.type) {
    case 'button':
    case 'workflow_button':
    case 'icon_button':
      return <Button block={block} element={element} />;
    case 'overflow':
      return <Overflow block={block} element={element} />;
    case 'feedback_buttons':
      return <FeedbackButtons block={block} element={element} />;
    case 'image':
      return <Picture image={element} className="accessory-image" />;
    case 'plain_text_input':
    case 'email_text_input':
    case 'url_text_input':
    case 'number_input':
      return <TextInput {...props} />;
    case 'rich_text_input':
      return <RichTextInput {...props} />;
    case 'datepicker':
    case 'timepicker':
    case 'datetimepicker':
      return <DateTimeInput {...props} />;
    case 'checkboxes':
    case 'radio_buttons':
      return <Choices {...props} />;
    default:
      if (element.type.endsWith('_select')) return <Select {...props} />;
      return (
        <span className="unsupported">
          {bare(element.placeholder) || `${element.type} is not drawn here`}
        </span>
      );
  }
}
