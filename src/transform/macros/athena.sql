{#- Built-in macros of the namespace `dbt_athena`: names that packages look for on this adapter. Tables are Iceberg tables. -#}

{% macro athena__engine_default_strategy(unique_key) %}{{ return('merge' if unique_key else 'append') }}{% endmacro %}
{#- Athena has no CREATE OR REPLACE TABLE: a replaced table is built beside the old one and takes its name. -#}
{% macro athena__engine_on_table_exists(wanted) %}{{ return('rename' if wanted == 'replace' else wanted) }}{% endmacro %}

{% macro make_intermediate_relation(base_relation, suffix='__ha') %}
  {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix}, type='table')) }}
{% endmacro %}
{% macro make_backup_relation(base_relation, backup_relation_type, suffix='__bkp') %}
  {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix}, type=backup_relation_type)) }}
{% endmacro %}

{% macro create_table_as(temporary, relation, compiled_code, language='sql', skip_partitioning=false) -%}
  {{ adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code, language, skip_partitioning) }}
{%- endmacro %}
{% macro athena__create_table_as(temporary, relation, compiled_code, language='sql', skip_partitioning=false) -%}
  {%- if (config.get('table_type') or 'iceberg') != 'iceberg' -%}
    {%- do exceptions.raise_compiler_error("table_type is iceberg, not '" ~ config.get('table_type') ~ "': this version makes no Hive tables") -%}
  {%- endif -%}
  {%- if language != 'sql' -%}
    {%- do exceptions.raise_compiler_error('Python models are not offered by this version') -%}
  {%- endif -%}
  {%- set location = adapter.generate_s3_location(relation, config.get('s3_data_dir') or target.get('s3_data_dir'),
        config.get('s3_data_naming') or target.get('s3_data_naming'),
        config.get('s3_tmp_table_dir') or target.get('s3_tmp_table_dir'), config.get('external_location'), temporary) -%}
  {%- set fields = [] if temporary or skip_partitioning else athena__engine_partitioning() -%}
  create table {{ relation }}
  with (
    table_type='iceberg',
    is_external=false,
    location='{{ location }}/',
    {%- if fields %}
    partitioning=ARRAY['{{ fields | map('replace', "'", "''") | join("', '") }}'],
    {%- endif %}
    {%- if config.get('write_compression') %}
    write_compression='{{ config.get('write_compression') }}',
    {%- endif %}
    {%- for name, value in (config.get('table_properties') or {}).items() %}
    {{ name }}={{ value }},
    {%- endfor %}
    format='{{ config.get('format') or 'parquet' }}'
  )
as
{{ compiled_code }}
{%- endmacro %}
{% macro athena__engine_create_sql(relation, rows_sql, on_exists) %}
  {{ return(create_table_as(false, relation, rows_sql)) }}
{% endmacro %}
{% macro athena__engine_partitioning() %}
  {%- set fields = config.get('partitioned_by') or [] -%}
  {{ return([fields] if fields is string else fields) }}
{% endmacro %}

{% macro athena__create_view_as(relation, sql) -%}
  create or replace view {{ relation }}
as
{{ sql }}
{%- endmacro %}

{% macro athena__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {{ engine_merge_sql(target, source, unique_key, dest_columns, incremental_predicates, 'target', 'src') }}
{%- endmacro %}

{#- ---- Hive's grammar: backticks, its own names of types -#}

{% macro ddl_data_type(col_type, table_type='iceberg') -%}
  {%- set re = modules.re -%}
  {%- set type = re.sub('(?:varchar|character varying|char)(?:\\(\\d+\\))?', 'string', col_type | lower) -%}
  {%- set type = re.sub('timestamp(?:\\(\\d+\\))?(?: with time zone)?', 'timestamp', type) -%}
  {%- set type = re.sub('\\binteger\\b', 'int', type) -%}
  {%- set type = re.sub('\\breal\\b', 'float', type) -%}
  {%- set type = re.sub('\\bvarbinary\\b', 'binary', type) -%}
  {%- if 'array' in type or 'map' in type -%}{%- set type = type | replace('(', '<') | replace(')', '>') -%}{%- endif -%}
  {{ return(type) }}
{%- endmacro %}
{% macro athena__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {%- if add_columns -%}
    {%- call statement('add_columns') -%}alter table {{ relation.render_pure() }} add columns ({% for column in add_columns %}`{{ column.name }}` {{ ddl_data_type(column.data_type) }}{{ ', ' if not loop.last }}{% endfor %}){%- endcall -%}
  {%- endif -%}
  {%- for column in remove_columns or [] -%}
    {%- call statement('drop_column') -%}alter table {{ relation.render_pure() }} drop column `{{ column.name }}`{%- endcall -%}
  {%- endfor -%}
{% endmacro %}
{% macro athena__alter_column_type(relation, column_name, new_column_type) %}
  {%- call statement('alter_column_type') -%}alter table {{ relation.render_pure() }} change column `{{ column_name }}` `{{ column_name }}` {{ ddl_data_type(new_column_type) }}{%- endcall -%}
{% endmacro %}
{% macro athena__engine_rename_column(relation, name, new_name, type) %}
  {%- call statement('rename_column') -%}alter table {{ relation.render_pure() }} change column `{{ name }}` `{{ new_name }}` {{ ddl_data_type(type) }}{%- endcall -%}
{% endmacro %}

{% macro athena__type_numeric() -%}decimal(38, 6){%- endmacro %}
{% macro athena__current_timestamp() -%}{{ cast_timestamp('now()') }}{%- endmacro %}
{% macro cast_timestamp(timestamp_col) -%}
  cast({{ timestamp_col }} as {{ 'timestamp' if config.get('materialized') in ['view', 'ephemeral'] else 'timestamp(6)' }})
{%- endmacro %}
