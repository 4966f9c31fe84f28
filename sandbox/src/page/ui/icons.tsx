/** Line icons on a 20 × 20 grid, drawn for this page. Decoration only: the control around them carries the name. */
const PATHS = {
  hash: 'M7.5 3.5 6 16.5M14 3.5l-1.5 13M3.5 7.5h13M3 12.5h13',
  lock: 'M5.5 9h9v7h-9zM7.5 9V6.5a2.5 2.5 0 0 1 5 0V9',
  close: 'm5.5 5.5 9 9m0-9-9 9',
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h13',
  back: 'M11.5 4.5 6 10l5.5 5.5M6.5 10H16',
  more: 'M10 5.2v.1M10 10v.1M10 14.8v.1',
  dots: 'M5.2 10h.1M10 10h.1M14.8 10h.1',
  reply: 'M4 4.5h12v8.5H9.5L6 16v-3H4z',
  send: 'M4 10.2 3.5 4l13 6-13 6 .5-5.8zm0 0h6',
  chevron: 'm6 8 4 4 4-4',
  right: 'm8 6 4 4-4 4',
  left: 'm12 6-4 4 4 4',
  check: 'm4.5 10.5 3.5 3.5 7.5-8',
  download: 'M10 3.5V12m-3.5-3L10 12.5 13.5 9M4 16h12',
  eye: 'M2.5 10S5 5 10 5s7.5 5 7.5 5-2.5 5-7.5 5-7.5-5-7.5-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  file: 'M5.5 3h6L15 6.5V17H5.5zM11.5 3v3.5H15',
  warning: 'M10 3.5 17.5 16h-15zM10 8.5v3.5m0 2v.1',
  info: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm0 6.5V14m0-7.2v.1',
  slash: 'M12.5 4 7.5 16',
  at: 'M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0zm0 0v1a2 2 0 0 0 4 0v-1a7 7 0 1 0-2.8 5.6',
  plus: 'M10 4.5v11M4.5 10h11',
  bolt: 'M11 3 4.5 11.5H10L9 17l6.5-8.5H10z',
  up: 'M10 16V5m-4.5 4.5L10 5l4.5 4.5',
  down: 'M10 4v11m-4.5-4.5L10 15l4.5-4.5',
  link: 'M8.5 11.5a3 3 0 0 0 4.2 0l2.5-2.5A3 3 0 0 0 11 4.8l-1 1M11.500 8.500a3 3 0 0 0-4.200 0L4.800 11A3 3 0 0 0 9 15.200l1-1',
  copy: 'M7 7h9v9H7zM13 7V4H4v9h3',
  fault: 'M10 3v3m0 8v3M3 10h3m8 0h3M5 5l2.200 2.200m5.600 5.600L15 15M15 5l-2.200 2.200M7.200 12.800 5 15',
  home: 'M3.500 9.500 10 4l6.500 5.500M5.500 8.500V16h9V8.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      width={size}
      height={size}
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' || name === 'dots' ? 2.4 : 1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
