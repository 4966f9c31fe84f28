import type { SandboxUser } from '../../protocol.ts';

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => part.charAt(0).toUpperCase())
    .join('');

/** Decoration: the name always stands beside it. */
export function Avatar({ user, size = 36 }: { user: SandboxUser | undefined; size?: number }) {
  const style = { width: size, height: size, fontSize: Math.round(size * 0.38) };
  if (user?.is_bot)
    return (
      <span className="avatar avatar-app" style={style} aria-hidden="true">
        <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
          <rect className="avatar-app-ground" width="32" height="32" />
          <rect className="avatar-app-mast" x="10" y="4.500" width="12" height="23" rx="6" />
          <circle className="avatar-app-amber" cx="16" cy="10.800" r="3.600" />
          <circle className="avatar-app-green" cx="16" cy="21.200" r="3.600" />
        </svg>
      </span>
    );
  return (
    <span
      className="avatar"
      style={{ ...style, background: user?.color ?? 'var(--ink-3)' }}
      aria-hidden="true"
      // Drawn by the style sheet: it is no text, neither to be read out nor to be spoken to.
      data-initials={initials(user?.real_name ?? '?')}
    />
  );
}
