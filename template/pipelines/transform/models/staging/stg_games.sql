select
    url as game_url,
    {{ utc_timestamp('end_time') }} as ended_at,
    time_class,
    rules,
    rated as is_rated,
    lower(white__username) as white_player,
    white__rating as white_rating,
    white__result as white_result,
    lower(black__username) as black_player,
    black__rating as black_rating,
    black__result as black_result,
    {{ pgn_tag('pgn', 'ECO') }} as eco,
    -- a part that is not there is empty in one engine and NULL in another
    replace(coalesce({{ dbt.split_part(pgn_tag('pgn', 'ECOUrl'), "'/openings/'", 2) }}, ''), '-', ' ') as opening,
    _dlt_load_id as load_id
from {{ source('chess', 'chess_players_games') }}
