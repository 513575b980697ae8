import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Project } from '../../api/objects.ts';
import { projectsQuery } from '../../api/queries.ts';
import { sessionQuery } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import type { Column } from '../../design/lists/data-list.tsx';
import { QueryList } from '../../design/lists/query-list.tsx';
import { Question } from '../../design/question.tsx';
import { Time } from '../../design/time.tsx';
import { useWords } from '../../words/words.tsx';
import { SettingsPage } from './settings-page.tsx';

/** The tenants of the server, for its owners. */
export function Projects() {
  const { settings, deliveries } = useWords();
  const { projects } = settings;
  const [open, setOpen] = useState<'create' | Project | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const query = useInfiniteQuery(projectsQuery());
  const close = () => {
    setOpen(null);
    setDeleting(false);
  };
  const columns: Column<Project>[] = [
    {
      name: projects.name,
      width: 'minmax(10rem, 2fr)',
      cell: ({ name }) => <span className="font-medium">{name}</span>,
    },
    { name: 'id', width: '12rem', cell: ({ id }) => <Code text={id} isShort />, isExtra: true },
    {
      name: deliveries.created,
      width: '8rem',
      cell: ({ created_at }) => <Time at={created_at} />,
    },
  ];
  return (
    <SettingsPage
      tab="projects"
      answer={projects.lead}
      actions={
        <Button kind="primary" onClick={() => setOpen('create')}>
          {projects.create}
        </Button>
      }
    >
      <QueryList
        query={query}
        empty={null}
        label={settings.tabs.projects}
        columns={columns}
        keyOf={({ id }) => id}
        linkOf={({ name }) => name}
        open={setOpen}
      />
      {open === 'create' && <ProjectForm project={null} close={close} />}
      {open !== null && open !== 'create' && !isDeleting && (
        <ProjectForm project={open} close={close} askDelete={() => setDeleting(true)} />
      )}
      {open !== null && open !== 'create' && isDeleting && (
        <DeleteProject project={open} close={close} />
      )}
    </SettingsPage>
  );
}

function useProjectsChanged(): () => void {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: projectsQuery().queryKey });
    // The choice of the project above every page.
    void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
}

function ProjectForm({
  project,
  close,
  askDelete,
}: {
  /** Null: a new one. */
  project: Project | null;
  close: () => void;
  askDelete?: () => void;
}) {
  const { projects } = useWords().settings;
  const changed = useProjectsChanged();
  const save = useMutation({
    mutationFn: (body: object) =>
      project === null
        ? call('/v1/projects', { method: 'POST', body })
        : call(`/v1/projects/${encodeURIComponent(project.id)}`, {
            method: 'PATCH',
            body,
            version: project.version,
          }),
    onSuccess() {
      changed();
      close();
    },
  });
  const numbers = [
    ['limits', 'api_requests_per_second', projects.requests],
    ['limits', 'events_per_second', projects.events],
    ['limits', 'endpoints', projects.endpoints],
    ['limits', 'emails_per_hour', projects.emailsPerHour],
    ['limits', 'emails_per_day', projects.emailsPerDay],
    ['retention', 'events_days', projects.eventsDays],
    ['retention', 'bodies_days', projects.bodiesDays],
  ] as const;

  function submit(form: FormData): void {
    const groups = { limits: {}, retention: {} };
    for (const [group, name] of numbers) {
      const text = String(form.get(`${group}/${name}`)).trim();
      Object.assign(groups[group], { [name]: text === '' ? null : Number(text) });
    }
    save.mutate({ name: String(form.get('name')).trim(), ...groups });
  }

  return (
    <FormDialog
      title={project === null ? projects.create : project.name}
      action={project === null ? projects.create : projects.save}
      close={close}
      isBusy={save.isPending}
      error={save.error}
      submit={submit}
    >
      <TextField
        label={projects.name}
        name="name"
        required
        maxLength={100}
        defaultValue={project?.name ?? ''}
      />
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        {numbers.map(([group, name, label]) => (
          <TextField
            key={name}
            label={label}
            name={`${group}/${name}`}
            type="number"
            min={0}
            placeholder={projects.usual}
            defaultValue={
              (project?.[group] as Record<string, number | null> | undefined)?.[name] ?? ''
            }
          />
        ))}
      </div>
      {askDelete !== undefined && (
        <div>
          <Button kind="danger" onClick={askDelete}>
            {projects.remove}
          </Button>
        </div>
      )}
    </FormDialog>
  );
}

function DeleteProject({ project, close }: { project: Project; close: () => void }) {
  const { projects } = useWords().settings;
  const changed = useProjectsChanged();
  const remove = useMutation({
    mutationFn: () =>
      call(`/v1/projects/${encodeURIComponent(project.id)}`, {
        method: 'DELETE',
        version: project.version,
      }),
    onSuccess() {
      changed();
      close();
    },
  });
  return (
    <Question
      title={project.name}
      effect={projects.removeEffect}
      action={projects.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}
