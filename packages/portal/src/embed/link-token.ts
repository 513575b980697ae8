/** The page behind a link (docs/portal.md): its token stands behind the `#`, which no browser sends. */
const LINK_PAGE = /\/link\/prj_\w+\/lnk_\w+\/?$/;

/** The token of the link that this page was opened by; null for the portal itself. */
export function readLinkToken({ pathname, hash }: Pick<Location, 'pathname' | 'hash'>) {
  return LINK_PAGE.test(pathname) ? hash.slice(1) : null;
}
