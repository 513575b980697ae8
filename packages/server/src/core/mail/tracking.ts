/** What a message asks for; what it leaves out, its project decides. */
export interface TrackingWish {
  opens?: boolean;
  clicks?: boolean;
  textLinks?: boolean;
  /** Addresses whose copies stay as they are. */
  except?: readonly string[];
}

/** What was settled for a message when it was accepted. Each recipient then gets a copy of his own. */
export interface MessageTracking {
  opens: boolean;
  clicks: boolean;
  /** Links in plain text too. */
  textLinks: boolean;
  /** Copies have our unsubscribe page in List-Unsubscribe. */
  unsubscribe: boolean;
  /** Recipients who are not tracked, as hashes (core/mail/suppression.ts): nothing here names a person. */
  except: string[];
}

/** What a project has where its messages say nothing. */
export interface TrackingDefaults {
  trackOpens: boolean;
  trackClicks: boolean;
  trackTextLinks: boolean;
  /** Broadcast mail that names no way to leave gets our page. */
  unsubscribePage: boolean;
}

/** Pure: null where every recipient gets the same bytes. */
export function settleTracking(
  wish: TrackingWish,
  defaults: TrackingDefaults,
  options: { unsubscribe: boolean; exceptHashes: readonly string[] },
): MessageTracking | null {
  const clicks = wish.clicks ?? defaults.trackClicks;
  const settled = {
    opens: wish.opens ?? defaults.trackOpens,
    clicks,
    textLinks: clicks && (wish.textLinks ?? defaults.trackTextLinks),
    unsubscribe: options.unsubscribe,
    except: [...options.exceptHashes],
  };
  return settled.opens || settled.clicks || settled.unsubscribe ? settled : null;
}
