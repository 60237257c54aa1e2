{#- The value of a tag of a PGN text: pgn_tag('pgn', 'ECO') of `[ECO "C46"]` is C46, empty when there is none. -#}
{% macro pgn_tag(column, tag) -%}
    coalesce({{ dbt.split_part(dbt.split_part(column, "'[" ~ tag ~ ' "' ~ "'", 2), "'\"'", 1) }}, '')
{%- endmacro %}
