{#- A time with its zone as UTC's clock shows it, in the type that every engine can store: Athena writes no other. -#}
{% macro utc_timestamp(column) -%}
    cast({{ column }} at time zone 'UTC' as timestamp(6))
{%- endmacro %}
