{#- Built-in macros of the namespaces `dbt_trino` and `dbt_athena`: materializations as statements of Trino's SQL, which Athena
    speaks too. Where the two differ, a macro dispatches to trino__x or athena__x; projects and packages bring their own. -#}

{% macro create_view_as(relation, sql) -%}
  {{ adapter.dispatch('create_view_as', 'dbt')(relation, sql) }}
{%- endmacro %}

{#- ---- tables -#}

{% macro engine_on_table_exists() %}
  {% set wanted = config.get('on_table_exists') or target.get('on_table_exists') or 'rename' %}
  {% if wanted not in ['rename', 'drop', 'replace', 'skip'] %}
    {% do exceptions.raise_compiler_error("on_table_exists is rename, drop, replace or skip, not '" ~ wanted ~ "'") %}
  {% endif %}
  {{ return(adapter.dispatch('engine_on_table_exists', 'dbt')(wanted)) }}
{% endmacro %}
{% macro default__engine_on_table_exists(wanted) %}{{ return(wanted) }}{% endmacro %}

{#- Gives the table its new rows. `more`: queries whose rows are added to those of the first (large seeds). -#}
{% macro engine_build_table(target_relation, existing, rows_sql, more=[]) %}
  {%- set how = engine_on_table_exists() -%}
  {%- set intermediate = make_intermediate_relation(target_relation) -%}
  {%- set backup = make_backup_relation(target_relation, 'table') -%}
  {%- set left = load_cached_relation(backup) if how == 'rename' else none -%}
  {%- if existing is none and left is not none -%}
    {#- A swap that was killed between its two renames: the table has its old rows again. -#}
    {%- do adapter.rename_relation(left, target_relation) -%}
    {%- set existing = target_relation -%}
  {%- elif left is not none -%}
    {%- do adapter.drop_relation(left) -%}
  {%- endif -%}
  {%- if existing is not none and how == 'skip' -%}
    {%- do store_raw_result('main', message='SKIP: the table exists', code='SKIP', rows_affected=none) -%}
    {{ return('skip') }}
  {%- endif -%}
  {%- if existing is not none and (how == 'drop') -%}
    {%- do adapter.drop_relation(existing) -%}
    {%- set existing = none -%}
  {%- endif -%}
  {%- set is_view = existing is not none and existing.is_view -%}
  {%- set replaces = how == 'replace' and existing is not none and not is_view -%}
  {%- set is_direct = not more and (existing is none or replaces) -%}
  {%- if not is_direct -%}{%- do drop_relation_if_exists(load_cached_relation(intermediate)) -%}{%- endif -%}
  {%- set build_sql = engine_create_sql(target_relation if is_direct else intermediate, rows_sql, 'replace' if is_direct and replaces else none) -%}
  {%- do write(build_sql) -%}
  {%- set response = adapter.try_execute(build_sql) -%}
  {%- set in_batches = response.pop('too_many_partitions') -%}
  {%- set total = namespace(rows=response.rows_affected or 0) -%}
  {%- if in_batches -%}
    {%- do drop_relation_if_exists(load_cached_relation(intermediate)) -%}
    {%- set total.rows = engine_create_in_batches(intermediate, rows_sql) -%}
  {%- endif -%}
  {%- for query in more -%}
    {%- set total.rows = total.rows + (adapter.try_execute('insert into ' ~ intermediate ~ '\n' ~ query).rows_affected or 0) -%}
  {%- endfor -%}
  {%- if in_batches or not is_direct -%}
    {%- if is_view -%}
      {%- do adapter.drop_relation(existing) -%}
    {%- elif existing is not none -%}
      {%- do adapter.rename_relation(existing, backup) -%}
    {%- endif -%}
    {%- do adapter.rename_relation(intermediate, target_relation) -%}
    {%- if existing is not none and not is_view -%}{%- do adapter.drop_relation(backup) -%}{%- endif -%}
  {%- endif -%}
  {%- if in_batches or more -%}
    {%- do response.update({'rows_affected': total.rows, '_message': total.rows ~ ' rows'}) -%}
  {%- endif -%}
  {%- do store_result('main', response=response) -%}
  {{ return('built') }}
{% endmacro %}

{% macro engine_create_sql(relation, rows_sql, on_exists=none) %}
  {{ return(adapter.dispatch('engine_create_sql', 'dbt')(relation, rows_sql, on_exists)) }}
{% endmacro %}

{#- ---- more partitions than one statement writes -#}

{% macro engine_stage(target_relation, rows_sql, suffix='__tmp_not_partitioned') %}
  {%- set staging = make_temp_relation(target_relation, suffix).incorporate(type='table') -%}
  {%- do drop_relation_if_exists(load_cached_relation(staging)) -%}
  {%- call statement('staging') -%}{{ create_table_as(true, staging, rows_sql) }}{%- endcall -%}
  {{ return(staging) }}
{% endmacro %}

{% macro engine_create_in_batches(relation, rows_sql) %}
  {%- set staging = engine_stage(relation, rows_sql) -%}
  {%- set columns = get_quoted_csv(adapter.get_columns_in_relation(staging) | map(attribute='name')) -%}
  {%- set total = namespace(rows=0) -%}
  {%- for batch in get_partition_batches(staging, as_subquery=false) -%}
    {%- set select_sql = 'select ' ~ columns ~ '\nfrom ' ~ staging ~ '\nwhere ' ~ batch -%}
    {%- set batch_sql = engine_create_sql(relation, select_sql) if loop.first else 'insert into ' ~ relation ~ ' (' ~ columns ~ ')\n' ~ select_sql -%}
    {%- call statement('batch') -%}{{ batch_sql }}{%- endcall -%}
    {%- set total.rows = total.rows + (load_result('batch').response.rows_affected or 0) -%}
  {%- endfor -%}
  {%- do adapter.drop_relation(staging) -%}
  {{ return(total.rows) }}
{% endmacro %}

{% macro engine_partitioning() %}
  {{ return(adapter.dispatch('engine_partitioning', 'dbt')()) }}
{% endmacro %}

{#- The SQL of a partition transform: "month(ended_at)" is date_trunc('month', ended_at). none = a hash, which is counted only. -#}
{% macro engine_partition_expression(field, columns) %}
  {%- set found = modules.re.match('^\\s*(\\w+)\\s*\\(\\s*"?([^",)]+?)"?\\s*(?:,\\s*(\\d+)\\s*)?\\)\\s*$', field) -%}
  {%- if found is none -%}{{ return(adapter.quote(field | trim | replace('"', ''))) }}{%- endif -%}
  {%- set kind, name, number = found.group(1) | lower, found.group(2), found.group(3) -%}
  {#- Athena puts the number of a truncate or bucket first in some of its texts. -#}
  {%- if kind in ['day', 'month', 'year', 'hour'] -%}{{ return("date_trunc('" ~ kind ~ "', cast(" ~ adapter.quote(name) ~ " as timestamp(6)))") }}{%- endif -%}
  {%- if kind in ['days', 'months', 'years', 'hours'] -%}{{ return("date_trunc('" ~ kind[:-1] ~ "', cast(" ~ adapter.quote(name) ~ " as timestamp(6)))") }}{%- endif -%}
  {%- if kind == 'truncate' -%}
    {%- for column in columns -%}
      {%- if column.name | lower == name | lower and column.is_string() -%}{{ return('substr(' ~ adapter.quote(name) ~ ', 1, ' ~ number ~ ')') }}{%- endif -%}
    {%- endfor -%}
    {{ return('(' ~ adapter.quote(name) ~ ' - mod(mod(' ~ adapter.quote(name) ~ ', ' ~ number ~ ') + ' ~ number ~ ', ' ~ number ~ '))') }}
  {%- endif -%}
  {%- if kind == 'bucket' -%}{{ return(none) }}{%- endif -%}
  {%- do exceptions.raise_compiler_error("partition transforms are year, month, day, hour, truncate and bucket, not '" ~ field ~ "'") -%}
{% endmacro %}

{#- Conditions that cut the rows of `sql` into pieces of at most partitions_limit (100) partitions each. -#}
{% macro get_partition_batches(sql, as_subquery=true) %}
  {%- set limit = (config.get('partitions_limit') or 100) | int -%}
  {%- set source = '(' ~ sql ~ ')' if as_subquery else sql | string -%}
  {%- set columns = adapter.get_columns_in_relation(sql) if not as_subquery else [] -%}
  {%- set keys = [] -%}
  {%- set sizes = namespace(buckets=1) -%}
  {%- for field in engine_partitioning() -%}
    {%- set key = engine_partition_expression(field, columns) -%}
    {%- if key is none -%}
      {%- set sizes.buckets = sizes.buckets * (modules.re.search('(\\d+)\\s*\\)\\s*$', field).group(1) | int) -%}
    {%- else -%}{%- do keys.append('cast(' ~ key ~ ' as varchar)') -%}{%- endif -%}
  {%- endfor -%}
  {%- if not keys or sizes.buckets > limit -%}
    {%- do exceptions.raise_compiler_error('the buckets alone make more than ' ~ limit ~ ' partitions: one statement cannot write them; use fewer buckets') -%}
  {%- endif -%}
  {%- set per_batch = [limit // sizes.buckets, 1] | max -%}
  {%- set found = run_query('select distinct ' ~ (keys | join(', ')) ~ ' from ' ~ source ~ (' as partition_keys' if as_subquery else '') ~ ' order by ' ~ range(1, keys | length + 1) | join(', ')) -%}
  {%- set batches = [] -%}
  {%- for rows in found.rows | batch(per_batch) -%}
    {%- set choices = [] -%}
    {%- for row in rows -%}
      {%- set parts = [] -%}
      {%- for key in keys -%}
        {%- set value = row[loop.index0] -%}
        {%- do parts.append(key ~ ' is null' if value is none else key ~ " = '" ~ (value | string | replace("'", "''")) ~ "'") -%}
      {%- endfor -%}
      {%- do choices.append('(' ~ parts | join(' and ') ~ ')') -%}
    {%- endfor -%}
    {%- do batches.append('(' ~ choices | join('\n  or ') ~ ')') -%}
  {%- endfor -%}
  {{ return(batches) }}
{% endmacro %}

{#- ---- materializations -#}

{% materialization table, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ materialization_begin() }}
  {%- set rows_sql = adapter.contracted(sql) -%}
  {%- do engine_build_table(target_relation, load_cached_relation(this), rows_sql) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, default %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {{ materialization_begin() }}
  {%- do adapter.contracted(sql, stores=false) -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and not existing.is_view -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
  {%- call statement('main') -%}{{ create_view_as(target_relation, sql) }}{%- endcall -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization seed, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ materialization_begin() }}
  {%- set queries = adapter.seed_queries() -%}
  {%- do engine_build_table(target_relation, load_cached_relation(this), queries[0], queries[1:]) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro engine_strategy_of(unique_key) %}
  {% set wanted = config.get('incremental_strategy') %}
  {% if wanted is none or wanted == 'default' %}
    {% set wanted = adapter.dispatch('engine_default_strategy', 'dbt')(unique_key) %}
    {% if target.get('incremental_strategy') == 'by_key' %}{% set wanted = 'delete+insert' if unique_key else 'append' %}{% endif %}
  {% endif %}
  {% if wanted in ['insert_overwrite', 'microbatch'] %}
    {% do exceptions.raise_compiler_error("the incremental strategy '" ~ wanted ~ "' is not offered by this version; strategies: append, merge, delete+insert") %}
  {% endif %}
  {{ return(wanted) }}
{% endmacro %}

{% materialization incremental, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set unique_key = config.get('unique_key') -%}
  {%- set strategy = engine_strategy_of(unique_key) -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change')) -%}
  {{ materialization_begin() }}
  {%- set existing = load_cached_relation(this) -%}
  {%- set rows_sql = adapter.contracted(sql) -%}
  {%- if existing is none or existing.is_view or should_full_refresh() -%}
    {%- do engine_build_table(target_relation, existing, rows_sql) -%}
  {%- else -%}
    {%- set plan = adapter.incremental_plan(target_relation, rows_sql, on_schema_change) -%}
    {%- do engine_change_columns(target_relation, plan.changes) -%}
    {%- do engine_add_rows(strategy, target_relation, rows_sql, unique_key, plan.columns) -%}
  {%- endif -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- ---- columns that come and go -#}

{% macro engine_change_columns(relation, changes) %}
  {%- set added, removed = [], [] -%}
  {%- for change in changes -%}
    {%- set column = api.Column.create(change.name, change.type) -%}
    {%- if change.kind == 'add' -%}{%- do added.append(column) -%}
    {%- elif change.kind == 'remove' -%}{%- do removed.append(column) -%}{%- endif -%}
  {%- endfor -%}
  {%- if added or removed -%}{%- do alter_relation_add_remove_columns(relation, added, removed) -%}{%- endif -%}
  {%- for change in changes if change.kind == 'retype' -%}
    {%- if engine_widens(change.old_type, change.type) -%}
      {%- do alter_column_type(relation, change.name, change.type) -%}
    {%- elif not engine_widens(change.type, change.old_type) -%}
      {%- do engine_rebuild_column(relation, change.name, change.type) -%}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}

{#- What Iceberg changes without touching a file. A narrower query fits into the wider column as it is. -#}
{% macro engine_widens(old, new) %}
  {%- if (old, new) in [('integer', 'bigint'), ('real', 'double')] -%}{{ return(true) }}{%- endif -%}
  {%- set a = modules.re.match('decimal\\((\\d+),(\\d+)\\)', old) -%}
  {%- set b = modules.re.match('decimal\\((\\d+),(\\d+)\\)', new) -%}
  {{ return(a is not none and b is not none and a.group(2) == b.group(2) and (b.group(1) | int) >= (a.group(1) | int)) }}
{% endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
  {{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}
{%- endmacro %}
{% macro alter_column_type(relation, column_name, new_column_type) -%}
  {{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}
{%- endmacro %}
{% macro engine_rename_column(relation, name, new_name, type) -%}
  {{ return(adapter.dispatch('engine_rename_column', 'dbt')(relation, name, new_name, type)) }}
{%- endmacro %}

{#- Another type, by way of a second column: the values are cast. -#}
{% macro engine_rebuild_column(relation, name, type) %}
  {%- set temporary = name ~ '__dbt_alter' -%}
  {%- do alter_relation_add_remove_columns(relation, [api.Column.create(temporary, type)], none) -%}
  {%- call statement('cast_column') -%}
    update {{ relation }} set {{ adapter.quote(temporary) }} = cast({{ adapter.quote(name) }} as {{ type }})
  {%- endcall -%}
  {%- do alter_relation_add_remove_columns(relation, none, [api.Column.create(name, type)]) -%}
  {%- do engine_rename_column(relation, temporary, name, type) -%}
{% endmacro %}

{#- ---- rows that come -#}

{% macro engine_add_rows(strategy, target_relation, rows_sql, unique_key, columns) %}
  {%- set predicates = incremental_predicates_of() -%}
  {%- set predicates = [predicates] if predicates else none -%}
  {%- if strategy == 'merge' and not unique_key -%}
    {%- do exceptions.raise_compiler_error('mode merge needs a unique_key') -%}
  {%- endif -%}
  {%- if strategy not in ['append', 'merge', 'delete+insert'] -%}
    {%- do engine_custom_strategy(strategy, target_relation, rows_sql, unique_key, columns) -%}
    {{ return('') }}
  {%- endif -%}
  {#- The keys are asked for twice: the rows are computed once and kept. -#}
  {%- set needs_table = strategy == 'delete+insert' and unique_key -%}
  {%- set source = engine_stage(target_relation, rows_sql, '__dbt_tmp') if needs_table else '(\n' ~ rows_sql ~ '\n)' -%}
  {%- set main_sql = engine_strategy_sql(strategy, target_relation, source, unique_key, columns, predicates) -%}
  {%- do write(main_sql) -%}
  {%- set response = adapter.try_execute(main_sql) -%}
  {%- if response.pop('too_many_partitions') -%}
    {%- set staging = source if needs_table else engine_stage(target_relation, rows_sql, '__dbt_tmp') -%}
    {%- do engine_add_in_batches(strategy, target_relation, staging, unique_key, columns, predicates) -%}
    {%- if not needs_table -%}{%- do adapter.drop_relation(staging) -%}{%- endif -%}
    {%- set response = adapter.last_response() -%}
  {%- endif -%}
  {%- if needs_table -%}{%- do adapter.drop_relation(source) -%}{%- endif -%}
  {%- do store_result('main', response=response) -%}
{% endmacro %}

{% macro engine_add_in_batches(strategy, target_relation, staging, unique_key, columns, predicates) %}
  {%- if strategy == 'delete+insert' and unique_key -%}
    {#- A key may have rows in several batches: all old rows go first. -#}
    {%- call statement('delete') -%}{{ engine_delete_sql(target_relation, staging, unique_key, predicates) }}{%- endcall -%}
    {%- set strategy = 'append' -%}
  {%- endif -%}
  {%- for batch in get_partition_batches(staging, as_subquery=false) -%}
    {%- set source = '(select * from ' ~ staging ~ ' where ' ~ batch ~ ')' -%}
    {%- call statement('batch') -%}{{ engine_strategy_sql(strategy, target_relation, source, unique_key, columns, predicates) }}{%- endcall -%}
  {%- endfor -%}
{% endmacro %}

{% macro engine_strategy_sql(strategy, target, source, unique_key, columns, predicates) %}
  {%- if strategy == 'merge' -%}{{ return(get_merge_sql(target, source, unique_key, columns, predicates)) }}{%- endif -%}
  {%- if strategy == 'delete+insert' and unique_key -%}
    {{ return(get_delete_insert_merge_sql(target, source, unique_key, columns, predicates)) }}
  {%- endif -%}
  {{ return(get_insert_into_sql(target, source, columns)) }}
{% endmacro %}

{% macro engine_custom_strategy(strategy, target_relation, rows_sql, unique_key, columns) %}
  {%- set strategy_macro = adapter.get_incremental_strategy_macro(context, strategy) -%}
  {%- set staging = engine_stage(target_relation, rows_sql, '__dbt_tmp') -%}
  {%- set build_sql = strategy_macro({
      'target_relation': target_relation, 'temp_relation': staging, 'unique_key': unique_key,
      'dest_columns': columns, 'incremental_predicates': config.get('incremental_predicates')}) -%}
  {%- call statement('main') -%}{{ build_sql }}{%- endcall -%}
  {%- do adapter.drop_relation(staging) -%}
{% endmacro %}

{% macro get_insert_into_sql(target_relation, temp_relation, dest_columns) -%}
  {{ return(adapter.dispatch('get_insert_into_sql', 'dbt')(target_relation, temp_relation, dest_columns)) }}
{%- endmacro %}
{% macro default__get_insert_into_sql(target_relation, temp_relation, dest_columns) -%}
  {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
  insert into {{ target_relation }} ({{ columns }})
  select {{ columns }}
  from {{ temp_relation }}{{ ' as dbt_rows' if temp_relation is string }}
{%- endmacro %}

{% macro engine_keys(unique_key) %}{{ return([unique_key] if unique_key is string else unique_key) }}{% endmacro %}
{% macro engine_key_condition(unique_key, dest, source) -%}
  {%- for key in engine_keys(unique_key) -%}
    {{ dest }}.{{ adapter.quote(key | replace('"', '')) }} = {{ source }}.{{ adapter.quote(key | replace('"', '')) }}{{ ' and ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}
{% macro engine_and(predicates) -%}
  {%- for predicate in (predicates or []) %} and ({{ predicate }}){% endfor -%}
{%- endmacro %}

{% macro get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {{ return(adapter.dispatch('get_merge_sql', 'dbt')(target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}
{% macro default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {{ engine_merge_sql(target, source, unique_key, dest_columns, incremental_predicates, 'DBT_INTERNAL_DEST', 'DBT_INTERNAL_SOURCE') }}
{%- endmacro %}

{#- One MERGE. Conditions and rules are dbt-athena's: update_condition, insert_condition, delete_condition,
    merge_update_columns_rules {column: replace|coalesce|sum|append|append_distinct|SQL with _new_ and _old_}. -#}
{% macro engine_merge_sql(target, source, unique_key, dest_columns, predicates, dest, src) -%}
  {%- set names = dest_columns | map(attribute='name') | list -%}
  {%- set updates = incremental_updates_of(target) -%}
  {%- set wanted = updates | map('lower') | list -%}
  {%- set rules = config.get('merge_update_columns_rules') or {} -%}
  merge into {{ target }} as {{ dest }}
  using {{ source }} as {{ src }}
  on ({{ engine_key_condition(unique_key, dest, src) }}{{ engine_and(predicates) }})
  {%- if config.get('delete_condition') %}
  when matched and ({{ config.get('delete_condition') }}) then delete
  {%- endif %}
  {%- set sets = [] -%}
  {%- for name in names if not wanted or name | lower in wanted -%}
    {%- do sets.append(adapter.quote(name) ~ ' = ' ~ engine_updated(name, rules.get(name) or config.get('merge_update_columns_default_rule') or 'replace', dest, src)) -%}
  {%- endfor %}
  {%- if sets %}
  when matched{{ ' and (' ~ config.get('update_condition') ~ ')' if config.get('update_condition') }} then update set
    {{ sets | join(',\n    ') }}
  {%- endif %}
  when not matched{{ ' and (' ~ config.get('insert_condition') ~ ')' if config.get('insert_condition') }} then insert ({{ get_quoted_csv(names) }})
    values ({% for name in names %}{{ src }}.{{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro engine_updated(name, rule, dest, src) %}
  {%- set new, old = src ~ '.' ~ adapter.quote(name), dest ~ '.' ~ adapter.quote(name) -%}
  {%- if rule == 'replace' -%}{{ return(new) }}{%- endif -%}
  {%- if rule == 'coalesce' -%}{{ return('coalesce(' ~ new ~ ', ' ~ old ~ ')') }}{%- endif -%}
  {%- if rule == 'sum' -%}{{ return(new ~ ' + ' ~ old) }}{%- endif -%}
  {%- if rule == 'append' -%}{{ return(new ~ ' || ' ~ old) }}{%- endif -%}
  {%- if rule == 'append_distinct' -%}{{ return('array_distinct(' ~ new ~ ' || ' ~ old ~ ')') }}{%- endif -%}
  {{ return(rule | replace('_new_', new) | replace('_old_', old)) }}
{% endmacro %}

{#- delete+insert as one MERGE, so that nobody sees the rows deleted and not yet there again: each key comes once more as a
    row that only deletes. -#}
{% macro get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {{ return(adapter.dispatch('get_delete_insert_merge_sql', 'dbt')(target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}
{% macro default__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- set keys = engine_keys(unique_key) | map('replace', '"', '') | map('lower') | list -%}
  {%- set names = dest_columns | map(attribute='name') | list -%}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using (
    select {{ get_quoted_csv(names) }}, false as dbt_only_deletes
    from {{ source }}
    union all
    select distinct {% for name in names %}{{ adapter.quote(name) if name | lower in keys else 'null' }}{{ ', ' if not loop.last }}{% endfor %}, true
    from {{ source }}
  ) as DBT_INTERNAL_SOURCE
  on (DBT_INTERNAL_SOURCE.dbt_only_deletes and {{ engine_key_condition(unique_key, 'DBT_INTERNAL_DEST', 'DBT_INTERNAL_SOURCE') }}{{ engine_and(incremental_predicates) }})
  when matched then delete
  when not matched and not DBT_INTERNAL_SOURCE.dbt_only_deletes then insert ({{ get_quoted_csv(names) }})
    values ({% for name in names %}DBT_INTERNAL_SOURCE.{{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro engine_delete_sql(target, source, unique_key, predicates) -%}
  {%- set keys = engine_keys(unique_key) -%}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using (select distinct {{ get_quoted_csv(keys) }} from {{ source }}) as DBT_INTERNAL_SOURCE
  on ({{ engine_key_condition(unique_key, 'DBT_INTERNAL_DEST', 'DBT_INTERNAL_SOURCE') }}{{ engine_and(predicates) }})
  when matched then delete
{%- endmacro %}

{#- ---- cross-database macros, as both engines spell them -#}

{% macro default__type_float() -%}double{%- endmacro %}
{% macro default__type_string() -%}varchar{%- endmacro %}
{% macro default__type_int() -%}integer{%- endmacro %}
{% macro default__type_bigint() -%}bigint{%- endmacro %}
{% macro default__dateadd(datepart, interval, from_date_or_timestamp) -%}
  date_add('{{ datepart }}', {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}
{% macro default__datediff(first_date, second_date, datepart) -%}
  {%- if datepart in ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'] -%}
    date_diff('{{ datepart }}', date_trunc('{{ datepart }}', cast({{ first_date }} as timestamp(6))), date_trunc('{{ datepart }}', cast({{ second_date }} as timestamp(6))))
  {%- else -%}
    date_diff('{{ datepart }}', cast({{ first_date }} as timestamp(6)), cast({{ second_date }} as timestamp(6)))
  {%- endif -%}
{%- endmacro %}
{% macro default__date(year, month, day) -%}
  date(cast({{ year }} as varchar) || '-' || lpad(cast({{ month }} as varchar), 2, '0') || '-' || lpad(cast({{ day }} as varchar), 2, '0'))
{%- endmacro %}
{% macro default__last_day(date, datepart) -%}
  cast(date_add('day', -1, date_add('{{ datepart }}', 1, date_trunc('{{ datepart }}', {{ date }}))) as date)
{%- endmacro %}
{% macro default__hash(field) -%}lower(to_hex(md5(to_utf8(cast({{ field }} as varchar))))){%- endmacro %}
{% macro default__cast_bool_to_text(field) -%}cast({{ field }} as varchar){%- endmacro %}
{% macro default__any_value(expression) -%}arbitrary({{ expression }}){%- endmacro %}
{% macro default__right(string_text, length_expression) -%}
  case when {{ length_expression }} = 0 then '' else substr({{ string_text }}, -1 * ({{ length_expression }})) end
{%- endmacro %}
{% macro default__array_append(array, new_element) -%}{{ array }} || {{ new_element }}{%- endmacro %}
{% macro default__array_concat(array_1, array_2) -%}concat({{ array_1 }}, {{ array_2 }}){%- endmacro %}
{% macro default__array_construct(inputs, data_type) -%}
  {%- if inputs -%}array[{{ inputs | join(', ') }}]{%- else -%}cast(array[] as array({{ data_type }})){%- endif -%}
{%- endmacro %}
{% macro default__cast_array_to_string(array) -%}'[' || array_join({{ array }}, ',') || ']'{%- endmacro %}
{% macro default__equals(expr1, expr2) -%}({{ expr1 }} is not distinct from {{ expr2 }}){%- endmacro %}
{% macro default__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- set collected = 'array_agg(' ~ measure ~ ' ' ~ (order_by_clause or '') ~ ')' -%}
  array_join({{ 'slice(' ~ collected ~ ', 1, ' ~ limit_num ~ ')' if limit_num else collected }}, {{ delimiter_text }})
{%- endmacro %}
{% macro default__generate_series(upper_bound) -%}
  select generated_number from unnest(sequence(1, {{ upper_bound }})) as t (generated_number)
{%- endmacro %}
{% macro default__date_spine(datepart, start_date, end_date) -%}
  select date_add('{{ datepart }}', n, cast({{ start_date }} as timestamp(6))) as date_{{ datepart }}
  from unnest(sequence(0, greatest(date_diff('{{ datepart }}', cast({{ start_date }} as timestamp(6)), cast({{ end_date }} as timestamp(6))) - 1, 0))) as t (n)
{%- endmacro %}
{% macro default__current_timestamp() -%}current_timestamp{%- endmacro %}
{% macro default__type_numeric() -%}decimal(28, 6){%- endmacro %}
