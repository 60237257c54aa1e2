{#- The games as one side saw them: its player, rating and result, and the opponent. -#}
{% macro player_side(side, other) -%}
    select
        {{ dbt.concat(['game_url', "' " ~ side ~ "'"]) }} as player_game_id,
        game_url,
        ended_at,
        time_class,
        rules,
        is_rated,
        eco,
        opening,
        '{{ side }}' as color,
        {{ side }}_player as player,
        {{ side }}_rating as rating,
        {{ side }}_result as result,
        {{ other }}_player as opponent,
        {{ other }}_rating as opponent_rating,
        load_id
    from games
{%- endmacro %}
