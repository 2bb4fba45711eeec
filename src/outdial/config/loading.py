"""Load a configuration file: every mistake at once, or a configuration without any."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from outdial.config.api import api_of, check_api
from outdial.config.assemble import (
    configuration_of,
    desktop_agents_of,
    desktop_groups_of,
    edge_of,
    list_files_of,
    registries_of,
    shift_ends_of,
    statistics_of,
)
from outdial.config.asterisk_check import check_asterisk
from outdial.config.changes import lay_over
from outdial.config.directory import known_of
from outdial.config.document import parse, read_document, read_text
from outdial.config.groups_check import Groups
from outdial.config.lists import CampaignListTable
from outdial.config.lists_check import Lists
from outdial.config.loaded import Loaded
from outdial.config.mistakes import Mistakes
from outdial.config.people_check import People
from outdial.config.rules_check import RuleBook
from outdial.config.selections import check_selection, selections_of
from outdial.config.serve import ServeTable, check_serve, may_have_records, serve_of
from outdial.config.servers_check import Servers
from outdial.config.webhooks import check_webhooks, webhooks_of
from outdial.config.world import read_world
from outdial.setting_overrides import Override


def load(path: Path) -> Loaded:
    """Load a configuration file.

    Args:
        path: the TOML file. Paths inside it are relative to its folder.

    Returns:
        What the core and the edge need.

    Raises:
        ConfigError: the file cannot be read, or has mistakes: all of them, one line each.
    """
    return loads(text_of(path), str(path), path.parent)


def text_of(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: the file cannot be read, is too large or no text.
    """
    mistakes = Mistakes(str(path))
    text = read_text(path, mistakes)
    mistakes.raise_any()
    return text


def loads(text: str, name: str = "configuration", folder: Path = Path(), overrides: Sequence[Override] = ()) -> Loaded:
    """Load a configuration from text.

    Args:
        text: the TOML text.
        name: what to call it in messages.
        folder: what paths inside it are relative to.
        overrides: settings that were changed at run time; those of objects that the text does not have are a note.

    Returns:
        What the core and the edge need.

    Raises:
        ConfigError: the text has mistakes: all of them, one line each.
    """
    mistakes = Mistakes(name)
    raw = parse(text, mistakes)
    mistakes.raise_any()
    raw, homeless = lay_over(raw, overrides)
    loaded = _load(raw, name, folder, mistakes)
    more = [
        f"{name}: {each.place.kind} {each.place.dbid} is not there: its changed {each.place.name} waits"
        for each in homeless
    ]
    return replace(loaded, notes=(*loaded.notes, *more))


def _load(raw: dict[str, Any], name: str, folder: Path, mistakes: Mistakes) -> Loaded:
    document = read_document(name, folder, raw, mistakes)
    servers = Servers(document, mistakes)
    servers.check_applications()
    if document.ocs is not None:
        servers.check_ocs(document.ocs)
    people = People(document, mistakes)
    lists = Lists(document, mistakes)
    notes = Mistakes(name)
    lists.check_lists(document.calling_lists, notes if may_have_records(document.serve, folder) else mistakes)
    lists.check_campaigns(document.campaigns)
    for campaign in document.campaigns:
        for row in campaign.child_rows(CampaignListTable, "lists"):
            check_selection(row, mistakes)
    do_not_call = lists.read_do_not_call(document.do_not_call)
    groups = Groups(document, servers, people, lists, mistakes)
    groups.check()
    rules = RuleBook(document, mistakes)
    rules.check_lists(document.calling_lists, document.campaigns)
    if document.serve is not None:
        check_serve(document.serve, mistakes)
    if document.api is not None:
        check_api(document.api, mistakes)
    check_webhooks(document.webhooks, [row.table.name for row in document.campaigns if row.has("name")], mistakes)
    groups.check_dial_nodes(document.agent_groups, notes)
    rules.check_campaigns(document.campaigns, lists, notes)
    rules.check_windows(document.campaigns, document.campaign_groups, lists, notes)
    rules.check_groups(document.campaign_groups, lists, notes)
    check_asterisk(document, servers, people, groups, mistakes, notes)
    known = {
        "node": known_of(entry for entry in servers.applications if servers.primary_of(entry.item) is None),
        "calling-list": known_of(lists.lists),
        "campaign-group": known_of(groups.groups),
    }
    read_world(document.world, known, mistakes)
    mistakes.raise_any()
    return Loaded(
        file=name,
        configuration=configuration_of(document, servers, people, lists, groups, rules, do_not_call),
        edge=edge_of(document, servers),
        list_files=list_files_of(document, lists),
        start_groups=tuple(row.table.dbid for row in document.campaign_groups if row.table.start),
        statistics_ms_max=statistics_of(document),
        shift_ends=shift_ends_of(document, people),
        desktop_groups=desktop_groups_of(document),
        desktop_agents=desktop_agents_of(document, people),
        selections=selections_of(document, lists),
        serve=serve_of(document.serve.table if document.serve else ServeTable(), folder),
        api=None if document.api is None else api_of(document.api.table, folder),
        webhooks=webhooks_of([row.table for row in document.webhooks], folder),
        do_not_call_region=document.do_not_call.table.default_region if document.do_not_call else "",
        registries=registries_of(document),
        world=document.world,
        notes=notes.lines,
    )
