{#- Built-in materializations. Every write is one adapter.commit(): the adapter decides how it becomes
    visible at once (a transaction of the database, or one Iceberg commit). -#}

{% macro materialization_begin() %}
  {{ run_hooks(pre_hooks, inside_transaction=false) }}
  {{ run_hooks(pre_hooks, inside_transaction=true) }}
{% endmacro %}
{% macro materialization_end() %}
  {{ run_hooks(post_hooks, inside_transaction=true) }}
  {{ run_hooks(post_hooks, inside_transaction=false) }}
{% endmacro %}

{% materialization view, default %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {{ materialization_begin() }}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and not existing.is_view -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
  {%- do adapter.contracted(sql, stores=false) -%}
  {%- do write(get_create_view_as_sql(target_relation, sql)) -%}
  {%- do store_result('main', response=adapter.create_view(target_relation, sql)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization table, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ materialization_begin() }}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.is_view -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
  {%- set rows_sql = adapter.contracted(sql) -%}
  {%- do write(get_create_table_as_sql(false, target_relation, rows_sql)) -%}
  {%- do store_result('main', response=adapter.commit(target_relation, rows_sql, 'replace')) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
  {% set wanted = on_schema_change or default %}
  {% if wanted not in ['ignore', 'fail', 'append_new_columns', 'sync_all_columns'] %}
    {% do exceptions.raise_compiler_error("on_schema_change is ignore, fail, append_new_columns or sync_all_columns, not '" ~ wanted ~ "'") %}
  {% endif %}
  {{ return(wanted) }}
{% endmacro %}

{% macro incremental_strategy_of(unique_key) %}
  {% set wanted = config.get('incremental_strategy') %}
  {% if wanted is none or wanted == 'default' %}
    {{ return('delete+insert' if unique_key else 'append') }}
  {% endif %}
  {% if wanted in ['insert_overwrite', 'microbatch'] %}
    {% do exceptions.raise_compiler_error("the incremental strategy '" ~ wanted ~ "' is not offered by this version; strategies: append, merge, delete+insert") %}
  {% endif %}
  {{ return(wanted) }}
{% endmacro %}

{% macro incremental_predicates_of() %}
  {% set wanted = config.get('incremental_predicates') or config.get('predicates') or [] %}
  {{ return(([wanted] if wanted is string else wanted) | join(' and ')) }}
{% endmacro %}

{% macro incremental_updates_of(target_relation) %}
  {% set only = config.get('merge_update_columns') %}
  {% set without = config.get('merge_exclude_columns') %}
  {% if only and without %}
    {% do exceptions.raise_compiler_error('give merge_update_columns or merge_exclude_columns, not both') %}
  {% endif %}
  {% if only %}{{ return([only] if only is string else only) }}{% endif %}
  {% if not without %}{{ return([]) }}{% endif %}
  {% set names = [] %}
  {% set left_out = [without | lower] if without is string else without | map('lower') | list %}
  {% for column in adapter.get_columns_in_relation(target_relation) %}
    {% if column.name | lower not in left_out %}{% do names.append(column.name) %}{% endif %}
  {% endfor %}
  {{ return(names) }}
{% endmacro %}

{% macro incremental_custom(strategy, target_relation, unique_key, on_schema_change, rows_sql) %}
  {% set strategy_macro = adapter.get_incremental_strategy_macro(context, strategy) %}
  {% set temp_relation = make_temp_relation(target_relation).include(database=false, schema=false) %}
  {% call statement('create_temp') %}create or replace temporary table {{ temp_relation }} as ({{ rows_sql }}){% endcall %}
  {% set build_sql = strategy_macro({
      'target_relation': target_relation, 'temp_relation': temp_relation, 'unique_key': unique_key,
      'dest_columns': adapter.get_columns_in_relation(target_relation),
      'incremental_predicates': config.get('incremental_predicates')}) %}
  {% call statement('main') %}{{ build_sql }}{% endcall %}
{% endmacro %}

{% materialization incremental, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set unique_key = config.get('unique_key') -%}
  {%- set strategy = incremental_strategy_of(unique_key) -%}
  {%- set on_schema_change = incremental_validate_on_schema_change(config.get('on_schema_change')) -%}
  {{ materialization_begin() }}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.is_view -%}
    {%- do adapter.drop_relation(existing) -%}
    {%- set existing = none -%}
  {%- endif -%}
  {%- set rows_sql = adapter.contracted(sql) -%}
  {%- do write(get_create_table_as_sql(false, target_relation, rows_sql)) -%}
  {%- if existing is none or should_full_refresh() -%}
    {%- do store_result('main', response=adapter.commit(target_relation, rows_sql, 'replace')) -%}
  {%- elif strategy in ['append', 'merge', 'delete+insert'] -%}
    {%- do store_result('main', response=adapter.commit(
          target_relation, rows_sql, strategy, unique_key=unique_key, predicates=incremental_predicates_of(),
          update_columns=incremental_updates_of(target_relation), on_schema_change=on_schema_change)) -%}
  {%- else -%}
    {%- do incremental_custom(strategy, target_relation, unique_key, on_schema_change, rows_sql) -%}
  {%- endif -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization seed, default %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {{ materialization_begin() }}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and existing.is_view -%}{%- do adapter.drop_relation(existing) -%}{%- endif -%}
  {%- set seed_sql = adapter.seed_query() -%}
  {%- do write(seed_sql) -%}
  {%- do store_result('main', response=adapter.commit(target_relation, seed_sql, 'replace')) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ materialization_end() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
  {{ adapter.dispatch('get_test_sql', 'dbt')(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}
{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    select
      {{ fail_calc }} as failures,
      {{ fail_calc }} {{ warn_if }} as should_warn,
      {{ fail_calc }} {{ error_if }} as should_error
    from (
      {{ main_sql }}
      {{ "limit " ~ limit if limit is not none }}
    ) dbt_internal_test
{%- endmacro %}

{% materialization test, default %}
  {%- if should_store_failures() -%}
    {%- do exceptions.raise_compiler_error('store_failures is not offered by this version') -%}
  {%- endif -%}
  {%- call statement('main', fetch_result=true) -%}
    {{ get_test_sql(sql, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'), config.get('limit')) }}
  {%- endcall -%}
  {{ return({'relations': []}) }}
{% endmaterialization %}
