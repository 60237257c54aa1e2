{#- Macros of the namespace `dbt_duckdb`: names that packages look for on this adapter. -#}

{% macro duckdb__get_binding_char() %}{{ return('?') }}{% endmacro %}
{% macro duckdb__current_timestamp() -%}now(){%- endmacro %}
{% macro duckdb__snapshot_get_time() -%}cast(now() as timestamp){%- endmacro %}
{% macro location_exists(location) -%}{{ return(false) }}{%- endmacro %}
{% macro external_location(relation, config) -%}
  {%- do exceptions.raise_compiler_error('external materializations are not offered by this version') -%}
{%- endmacro %}
