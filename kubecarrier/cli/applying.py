"""All or nothing over a REST API: every document is tried first, then every one is applied.

Between the two the server may die or somebody may change something; then it is
said which documents were applied, and running the same command again is safe.
"""

from __future__ import annotations

from kubecarrier.cli import waiting
from kubecarrier.cli.actions import Manner, tell
from kubecarrier.cli.answers import Answer, Document
from kubecarrier.cli.api import Api, path_of
from kubecarrier.cli.documents import Source
from kubecarrier.cli.errors import CliError
from kubecarrier.cli.options import dry
from kubecarrier.cli.output import echo, list_of, note, report, result_line


def run(api: Api, sources: list[Source], manner: Manner, *, validate: bool) -> None:
    """Apply `sources` in order; raises CliError with the exit code of the first refusal."""
    manner.seconds  # noqa: B018  a wrong --timeout must be said before anything is done
    if validate and not manner.dry_run:
        check(api, sources)
    applied: list[Document] = []
    for position, source in enumerate(sources):
        try:
            answer = put(api, source, dry_run=manner.dry_run)
        except CliError as error:
            raise _placed(error, source, _stopped(sources, position, manner.dry_run)) from error
        applied.append(answer.body)
        if manner.form.is_table:
            line = result_line(
                source.kind.singular, source.name, answer.result, dry_run=manner.dry_run
            )
            echo(line)
    if manner.wait and not manner.dry_run:
        _wait(api, sources, manner)
    _tell(applied, sources, manner)


def check(api: Api, sources: list[Source]) -> None:
    """Dry-run all; report each refusal and raise the first. Nothing has been applied then."""
    refused: list[tuple[Source, CliError]] = []
    for source in sources:
        try:
            put(api, source, dry_run=True)
        except CliError as error:
            refused.append((source, error))
    for source, refusal in refused[1:]:
        report(_placed(refusal, source, ""))
    if refused:
        source, refusal = refused[0]
        raise _placed(refusal, source, "Nothing was applied.")


def put(api: Api, source: Source, *, dry_run: bool) -> Answer:
    """The idempotent apply of one document."""
    path = path_of(source.kind.plural, source.name)
    return api.call("PUT", path, body=source.document, params=dry(dry_run=dry_run))


def _stopped(sources: list[Source], position: int, dry_run: bool) -> str:
    if dry_run:
        return ""
    done = ", ".join(f"{s.kind.singular}/{s.name}" for s in sources[:position])
    return f"Applied before: {done or 'nothing'}. Not applied: {len(sources) - position}."


def _placed(error: CliError, source: Source, said: str) -> CliError:
    """The same error, saying which document it is about."""
    place = source.place[0].upper() + source.place[1:]
    message = f"{place} was refused: {error.message} {said}".rstrip()
    return CliError(
        message,
        code=error.code,
        exit_code=error.exit_code,
        field=error.field,
        hint=error.hint,
        request_id=error.request_id,
        data=error.data,
    )


def _wait(api: Api, sources: list[Source], manner: Manner) -> None:
    for source in sources:
        kind = source.kind
        waiting.ready(api, kind.plural, kind.singular, source.name, manner.seconds)
        note(result_line(kind.singular, source.name, "is ready"))


def _tell(applied: list[Document], sources: list[Source], manner: Manner) -> None:
    if manner.form.value == "name":
        for source in sources:
            echo(f"{source.kind.singular}/{source.name}")
    elif not manner.form.is_table:
        document = applied[0] if len(applied) == 1 else list_of(applied)
        tell(document, "", "", manner)
