import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { statsQuery } from '../../api/queries.ts';
import { useMaySend } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Empty, PartNotice, ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Page } from '../../design/page.tsx';
import { formatCount, formatShare } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { sendCommand } from '../messages/send-command.ts';
import { BounceKinds } from './bounce-kinds.tsx';
import { DeliverabilitySection } from './deliverability.tsx';
import { EndpointNumbersSection } from './endpoint-numbers.tsx';
import { ExportButton } from './export-button.tsx';
import { Groups } from './groups.tsx';
import { MailCourses } from './mail-courses.tsx';
import { StatsFilterBar } from './stats-filter-bar.tsx';
import {
  isNarrowed,
  isNothing,
  type StatsFilters,
  toGroupsQuery,
  toStatsQuery,
} from './stats-filters.ts';
import { Totals } from './totals.tsx';

const route = getRouteApi('/analytics');

/** What was sent in a time, and what became of it; and whether receivers put up with it. */
export function Analytics() {
  const { analytics } = useWords();
  const filters = route.useSearch();
  return (
    <Page
      title={analytics.title}
      answer={analytics.lead}
      actions={
        <ExportButton
          name={analytics.exportCourse}
          file="course.csv"
          toQuery={() => toStatsQuery(filters, Date.now())}
        />
      }
    >
      <StatsFilterBar filters={filters} />
      <Numbers filters={filters} />
      <DeliverabilitySection filters={filters} />
      <EndpointNumbersSection filters={filters} />
    </Page>
  );
}

function Numbers({ filters }: { filters: StatsFilters }) {
  const { words, language } = useLanguage();
  const { analytics } = words;
  const isCompared = filters.compare !== 'none';
  const { data, error, refetch, isPlaceholderData } = useQuery(
    statsQuery({ ...filters }, (nowMs) => ({
      ...toGroupsQuery(filters, nowMs),
      compare: isCompared ? 'previous' : null,
    })),
  );
  if (data === undefined) {
    if (error === null) return <Waiting rows={8} />;
    return <ProblemNotice error={error} retry={() => void refetch()} />;
  }
  if (isNothing(data.totals)) return <Nothing filters={filters} />;
  const { delivered, bounced, rates } = data.totals;
  return (
    <>
      {error !== null && (
        <PartNotice lead={analytics.old} error={error} retry={() => void refetch()} />
      )}
      {(data.catching_up || data.rebuilding) && (
        <p role="status" className="mb-3 rounded-md bg-warn-soft p-2.5 text-warn">
          {data.rebuilding ? analytics.rebuilding : analytics.catchingUp}
        </p>
      )}
      <p className="mb-3 text-[15px]">
        {rates.delivery === null
          ? analytics.nothingEnded
          : analytics.answer(
              formatCount(delivered, language),
              formatCount(delivered + bounced, language),
              formatShare(rates.delivery, language),
            )}
      </p>
      <Totals stats={data} filters={filters} isCompared={isCompared} />
      <MailCourses stats={data} filters={filters} />
      <BounceKinds stats={data} filters={filters} />
      <Groups stats={data} filters={filters} isOld={isPlaceholderData} />
    </>
  );
}

/** Of the project, or of what was asked for. */
function Nothing({ filters }: { filters: StatsFilters }) {
  const { analytics, common } = useWords();
  const maySend = useMaySend();
  const navigate = route.useNavigate();
  if (isNarrowed(filters) || filters.period !== undefined) {
    return (
      <Empty title={analytics.noMatch} help={analytics.noMatchHelp}>
        <Button onClick={() => void navigate({ search: {} })}>{common.clear}</Button>
      </Empty>
    );
  }
  return (
    <Empty
      title={analytics.empty}
      help={analytics.emptyHelp}
      {...(maySend ? { command: sendCommand() } : {})}
    />
  );
}
