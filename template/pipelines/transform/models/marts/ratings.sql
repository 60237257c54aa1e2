-- A player's last rating of each day, per time class.
with games as (
    select
        player, time_class, rating, ended_at,
        cast({{ dbt.date_trunc('day', 'ended_at') }} as date) as played_on,
        count(*) over (partition by player) as games_of_player
    from {{ ref('player_games') }}
    where is_rated and rules = 'chess'
),

ranked as (
    select
        games.*,
        row_number() over (partition by player, time_class, played_on order by ended_at desc) as nth_last,
        count(*) over (partition by player, time_class, played_on) as games
    from games
    where games_of_player >= {{ var('min_games') }}
)

select player, time_class, played_on, rating, games
from ranked
where nth_last = 1
