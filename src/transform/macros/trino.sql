{#- Built-in macros of the namespace `dbt_trino`: names that packages look for on this adapter. -#}

{% macro trino__get_binding_char() %}{{ return('?') }}{% endmacro %}
{% macro trino__engine_default_strategy(unique_key) %}{{ return('append') }}{% endmacro %}

{% macro create_table_as(temporary, relation, compiled_code, on_exists=none) -%}
  {%- if on_exists is none -%}
    {{ adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code) }}
  {%- else -%}
    {{ adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code, on_exists) }}
  {%- endif -%}
{%- endmacro %}
{% macro trino__create_table_as(temporary, relation, sql, on_exists=none) -%}
  create{{ ' or replace' if on_exists == 'replace' }} table{{ ' if not exists' if on_exists == 'skip' }} {{ relation }}
  {{ properties(temporary) }}
as (
{{ sql }}
)
{%- endmacro %}
{% macro trino__engine_create_sql(relation, rows_sql, on_exists) %}
  {{ return(create_table_as(false, relation, rows_sql, on_exists)) }}
{% endmacro %}

{#- with (...): `properties` as SQL, as dbt-trino has them; partitioned_by and table_properties as on Athena. -#}
{% macro trino_properties(temporary=false) %}
  {%- set found = {} -%}
  {%- do found.update(config.get('table_properties') or {}) -%}
  {%- do found.update(config.get('properties') or {}) -%}
  {%- set partitioned_by = config.get('partitioned_by') -%}
  {%- if partitioned_by and 'partitioning' not in found -%}
    {%- set fields = [partitioned_by] if partitioned_by is string else partitioned_by -%}
    {%- do found.update({'partitioning': "ARRAY['" ~ (fields | map('replace', "'", "''") | join("', '")) ~ "']"}) -%}
  {%- endif -%}
  {%- if config.get('file_format') and 'format' not in found -%}
    {%- do found.update({'format': "'" ~ config.get('file_format') ~ "'"}) -%}
  {%- endif -%}
  {%- if config.get('table_format') and config.get('table_format') != 'iceberg' -%}
    {%- do exceptions.raise_compiler_error("table_format is iceberg, not '" ~ config.get('table_format') ~ "'") -%}
  {%- endif -%}
  {%- if temporary -%}
    {%- do found.pop('partitioning', none) -%}
    {%- do found.pop('sorted_by', none) -%}
    {%- do found.pop('location', none) -%}
  {%- endif -%}
  {{ return(found) }}
{% endmacro %}
{% macro properties(temporary=false) -%}
  {%- set found = trino_properties(temporary) -%}
  {%- if found -%}
  with (
    {%- for key, value in found.items() %}
    {{ key }} = {{ value }}{{ ',' if not loop.last }}
    {%- endfor %}
  )
  {%- endif -%}
{%- endmacro %}
{% macro trino__engine_partitioning() %}
  {%- set text = trino_properties().get('partitioning') or '' -%}
  {{ return(modules.re.findall("'([^']+)'", text)) }}
{% endmacro %}

{% macro trino__create_view_as(relation, sql) -%}
  {%- set security = config.get('view_security') or 'definer' -%}
  {%- if security not in ['definer', 'invoker'] -%}
    {%- do exceptions.raise_compiler_error("view_security is definer or invoker, not '" ~ security ~ "'") -%}
  {%- endif -%}
  create or replace view {{ relation }}
  security {{ security }}
as
{{ sql }}
{%- endmacro %}

{% macro trino__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {%- for column in add_columns or [] -%}
    {%- call statement('add_column') -%}alter table {{ relation }} add column {{ adapter.quote(column.name) }} {{ column.data_type }}{%- endcall -%}
  {%- endfor -%}
  {%- for column in remove_columns or [] -%}
    {%- call statement('drop_column') -%}alter table {{ relation }} drop column {{ adapter.quote(column.name) }}{%- endcall -%}
  {%- endfor -%}
{% endmacro %}
{% macro trino__alter_column_type(relation, column_name, new_column_type) %}
  {%- call statement('alter_column_type') -%}alter table {{ relation }} alter column {{ adapter.quote(column_name) }} set data type {{ new_column_type }}{%- endcall -%}
{% endmacro %}
{% macro trino__engine_rename_column(relation, name, new_name, type) %}
  {%- call statement('rename_column') -%}alter table {{ relation }} rename column {{ adapter.quote(name) }} to {{ adapter.quote(new_name) }}{%- endcall -%}
{% endmacro %}
