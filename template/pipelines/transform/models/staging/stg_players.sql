select
    player_id,
    lower(username) as player,
    name,
    country,
    followers,
    {{ utc_timestamp('joined') }} as joined_at,
    {{ utc_timestamp('last_online') }} as last_online_at
from {{ source('chess', 'chess_players') }}
