import type { ReactNode } from 'react';

/** Line drawings on a grid of 16, beside words: never the only sign of anything. */
const DRAWINGS = {
  overview: <path d="M2 9.5 8 3l6 6.5M4 8v5.5h8V8" />,
  messages: (
    <>
      <rect x="2" y="3.5" width="12" height="9" rx="1.5" />
      <path d="m2.5 4.5 5.5 4 5.5-4" />
    </>
  ),
  inbound: (
    <>
      <path d="M2 8.5v5h12v-5h-3.5l-1 2h-3l-1-2z" />
      <path d="M8 2v5M5.5 4.8 8 7.2l2.5-2.4" />
    </>
  ),
  review: (
    <>
      <path d="M8 1.5 13 3.5v4c0 3.2-2 5.6-5 7-3-1.4-5-3.8-5-7v-4z" />
      <path d="m5.7 8 1.6 1.6L10.4 6.4" />
    </>
  ),
  events: <path d="M1.5 8h3l2-5 3 10 2-5h3" />,
  analytics: <path d="M2 14h12M4 11.5v-4M8 11.5v-9M12 11.5v-6" />,
  alerts: (
    <path d="M3.5 11.5h9c-1-1.2-1.3-2.4-1.3-4.5a3.2 3.2 0 0 0-6.4 0c0 2.1-.3 3.3-1.3 4.5zM6.7 13.8a1.5 1.5 0 0 0 2.6 0" />
  ),
  webhooks: (
    <>
      <circle cx="8" cy="4" r="2" />
      <circle cx="4" cy="12" r="2" />
      <circle cx="12" cy="12" r="2" />
      <path d="m7 5.7-2.2 4.5M9 5.7l2.2 4.5M6 12h4" />
    </>
  ),
  sources: <path d="M8 2v8M5 7l3 3 3-3M2.5 11v2.5h11V11" />,
  sinks: <path d="M8 10V2M5 5l3-3 3 3M2.5 11v2.5h11V11" />,
  suppressions: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="m4 4 8 8" />
    </>
  ),
  domains: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2Z" />
    </>
  ),
  dead: <path d="M4 14V6a4 4 0 0 1 8 0v8M2.5 14h11M6.5 7h3M8 5.5v4" />,
  jobs: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 4.5V8l2.5 1.5" />
    </>
  ),
  settings: (
    <>
      <path d="M2 5h7M13 5h1M2 11h1M7 11h7" />
      <circle cx="11" cy="5" r="1.8" />
      <circle cx="5" cy="11" r="1.8" />
    </>
  ),
  docs: <path d="M4 2h6l2.5 2.5V14H4zM6 7h4M6 10h4" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.5" />
      <path d="m10.5 10.5 3.5 3.5" />
    </>
  ),
  menu: <path d="M2 4h12M2 8h12M2 12h12" />,
  close: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  wait: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M8 5v3l2 1.5" />
    </>
  ),
  again: <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3" />,
  cross: <path d="m4 4 8 8m0-8-8 8" />,
  flag: <path d="M4 14V2.5h8l-2 3 2 3H4" />,
  eye: (
    <>
      <path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z" />
      <circle cx="8" cy="8" r="2" />
    </>
  ),
  pause: <path d="M5.5 3v10M10.5 3v10" />,
  skip: <path d="M3 4l5 4-5 4zM9 4l4 4-4 4z" />,
  dot: <circle cx="8" cy="8" r="2.5" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1" />
      <path d="M10.5 5V2.5h-8v8H5" />
    </>
  ),
  arrow: <path d="M3 8h10M9 4l4 4-4 4" />,
  send: <path d="M14 2 7 9M14 2l-4.5 12L7 9 2 6.5z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      className={`size-4 shrink-0 ${className}`}
    >
      {DRAWINGS[name]}
    </svg>
  );
}
