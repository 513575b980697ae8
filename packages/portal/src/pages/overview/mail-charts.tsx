import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { VolumePeriod } from '../../api/objects.ts';
import { volumeQuery } from '../../api/queries.ts';
import { ChartCard } from '../../design/charts/chart-card.tsx';
import { ProblemNotice, Waiting } from '../../design/notices.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage } from '../../words/words.tsx';
import { BOUNCE_THRESHOLD, COMPLAINT_THRESHOLD, countMail, rateOf, sumMail } from './mail-rates.ts';

/** How much mail there was and what became of it: volume, and the rates that a sender's name hangs on. */
export function MailCharts({ period }: { period: VolumePeriod }) {
  const { words, language } = useLanguage();
  const { overview } = words;
  const { data: volume, error, refetch } = useQuery(volumeQuery(period));
  if (volume === undefined) {
    if (error === null) return <Waiting rows={4} />;
    return <ProblemNotice error={error} retry={() => void refetch()} />;
  }
  const times = volume.data.map(({ at }) => Date.parse(at) / 1_000);
  const mail = volume.data.map(({ counts }) => countMail(counts));
  const sum = sumMail(volume.data);
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 2 });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' });
  const count = (value: number) => formatCount(value, language);
  const rate = (value: number | null) => (value === null ? '–' : percent.format(value));
  const time = {
    times,
    formatTime: (seconds: number) => moment.format(seconds * 1_000),
  };
  const bounceRate = rateOf(sum.bounced, sum.ended);
  const complaintRate = rateOf(sum.complained, sum.delivered);
  return (
    <>
      <div className="grid items-start grid-cols-1 gap-4 lg:grid-cols-3">
        <ChartCard
          {...time}
          title={overview.volume}
          figure={
            <>
              <Figure type="email.delivered" name={words.mailStates.delivered}>
                {count(sum.delivered)}
              </Figure>
              <Figure type="email.bounced" name={words.mailStates.bounced}>
                {count(sum.bounced)}
              </Figure>
              <Figure type="email.complained" name={words.mailStates.complained}>
                {count(sum.complained)}
              </Figure>
            </>
          }
          formatValue={count}
          series={[
            {
              name: words.mailStates.delivered,
              colour: 'good',
              values: mail.map(({ delivered }) => delivered),
            },
            {
              name: words.mailStates.bounced,
              colour: 'bad',
              line: 'dashed',
              values: mail.map(({ bounced }) => bounced),
            },
            {
              name: words.mailStates.complained,
              colour: 'complaint',
              line: 'dotted',
              values: mail.map(({ complained }) => complained),
            },
          ]}
        />
        <ChartCard
          {...time}
          title={overview.bounceRate}
          figure={
            <Figure
              type="email.bounced"
              name={overview.threshold(percent.format(BOUNCE_THRESHOLD))}
              isBad={(bounceRate ?? 0) > BOUNCE_THRESHOLD}
            >
              {rate(bounceRate)}
            </Figure>
          }
          formatValue={(value) => percent.format(value)}
          series={[
            {
              name: overview.bounceRate,
              colour: 'bad',
              values: mail.map(({ bounced, ended }) => rateOf(bounced, ended)),
            },
            {
              name: overview.thresholdName,
              colour: 'muted',
              line: 'dashed',
              values: mail.map(() => BOUNCE_THRESHOLD),
            },
          ]}
        />
        <ChartCard
          {...time}
          title={overview.complaintRate}
          figure={
            <Figure
              type="email.complained"
              name={overview.threshold(percent.format(COMPLAINT_THRESHOLD))}
              isBad={(complaintRate ?? 0) > COMPLAINT_THRESHOLD}
            >
              {rate(complaintRate)}
            </Figure>
          }
          formatValue={(value) => percent.format(value)}
          series={[
            {
              name: overview.complaintRate,
              colour: 'complaint',
              values: mail.map(({ complained, delivered }) => rateOf(complained, delivered)),
            },
            {
              name: overview.thresholdName,
              colour: 'muted',
              line: 'dashed',
              values: mail.map(() => COMPLAINT_THRESHOLD),
            },
          ]}
        />
      </div>
      {volume.at_least && (
        <p className="mt-2 text-[13px] text-muted">
          {overview.newestOnly(moment.format(Date.parse(volume.from)))}
        </p>
      )}
    </>
  );
}

function Figure({
  type,
  name,
  isBad = false,
  children,
}: {
  type: string;
  name: string;
  isBad?: boolean;
  children: ReactNode;
}) {
  return (
    <Link to="/events" search={{ type }} className="no-underline hover:underline">
      <span className={`text-[20px] font-semibold ${isBad ? 'text-bad' : ''}`}>{children}</span>{' '}
      <span className="text-muted">{name}</span>
    </Link>
  );
}
