import type { DomainRecord } from '../../api/objects.ts';
import { Badge } from '../../design/state.tsx';
import { useWords } from '../../words/words.tsx';

/** Whether a record in DNS is as it should be. */
export function RecordStatus({ status }: { status: DomainRecord['status'] }) {
  const { recordStatuses } = useWords().domains;
  const tone = { ok: 'good', missing: 'warn', wrong: 'bad', unknown: 'idle' } as const;
  const icon = { ok: 'check', missing: 'wait', wrong: 'cross', unknown: 'dot' } as const;
  return (
    <Badge tone={tone[status]} icon={icon[status]}>
      {recordStatuses[status]}
    </Badge>
  );
}
