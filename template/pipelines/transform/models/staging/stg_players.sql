select
    player_id,
    lower(username) as player,
    name,
    country,
    followers,
    joined as joined_at,
    last_online as last_online_at
from {{ source('chess', 'chess_players') }}
